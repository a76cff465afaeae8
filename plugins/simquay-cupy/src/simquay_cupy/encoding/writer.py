"""Programs of the tile interpreter, word by word (cuda/opcodes.cuh)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ALWAYS, Condition, mask_of
from simquay_cupy.encoding.opcodes import HEADER_WORDS, OPERAND_WORDS, Op
from simquay_cupy.encoding.programs import MAX_FORMS, ProgramBuffers

__all__ = ["ProgramWriter", "Trip", "pairs"]

ROTATIONS_AT_ONCE = 2
"""Rotations from which on one instruction for all register bits is cheaper, though some are
identities."""

SMALLEST_SCALE = 2.0**-40
"""A common factor below this is multiplied in at once, so that amplitudes stay in range."""


@dataclass(frozen=True, slots=True)
class Trip:
    """The way of tiles to registers and back, in one program.

    Attributes:
        outer: the storage bits of the tile number, ascending.
        before: qubits that are stored before; an amplitude with a bit set from there on is 0 and
            not read.
        load, store: the storage bit of each local bit, on the way in and out.
    """

    outer: tuple[int, ...]
    before: int
    load: tuple[int, ...]
    store: tuple[int, ...]


class ProgramWriter:
    """Writes one program: rounds in order, the instructions of each, then :meth:`finish`.

    Attributes:
        buffers: the arrays that instructions may point into.
        geometry: of the kernel.
        places: the place of each local bit in this round; register bits come after thread bits.
        columns: the slot column of each local bit in this round, in bytes.
    """

    def __init__(self, buffers: ProgramBuffers) -> None:
        self.buffers = buffers
        self.geometry = buffers.geometry
        # Of each round: the order of local bits, their columns, and the instructions.
        self._rounds: list[tuple[Sequence[int], Sequence[int], list[list[int]]]] = []
        self.places: dict[int, int] = {}
        self.columns: Sequence[int] = ()
        self._payload: list[float] = []
        self._forms: dict[tuple[tuple[int, int], ...], int] = {}
        self._scale = 1.0
        self._held: tuple[str, dict[int, list[float]]] = ("", {})  # rotations not yet emitted
        self._scalable: tuple[int, int] | None = None  # payload of a matrix that applies to all

    @property
    def forms(self) -> int:
        """How many forms the program has."""
        return len(self._forms)

    def begin_round(self, order: Sequence[int], columns: Sequence[int]) -> None:
        """Begin a round with local bit ``order[place]`` at each place, and slots given by
        ``columns``."""
        self._emit_held()
        amplitude = self.buffers.precision.amplitude_bytes
        self.columns = [column * amplitude for column in columns]
        self.places = {bit: place for place, bit in enumerate(order)}
        self._rounds.append((order, self.columns, []))

    def place_mask(self, local: int) -> int:
        """The mask on places for a mask on local bits."""
        return mask_of(place for bit, place in self.places.items() if local >> bit & 1)

    def register(self, bit: int) -> int:
        """The register bit that local bit ``bit`` is in this round."""
        register = self.places[bit] - self.geometry.thread
        assert register >= 0, "the round does not hold this bit in registers"
        return register

    def emit(
        self,
        opcode: int,
        payload: Sequence[float] = (),
        more: Sequence[int] = (),
        condition: Condition = ALWAYS,
    ) -> None:
        """Add an instruction with its operands ``more`` (words) and its ``payload`` (reals)."""
        self._emit_held()
        mask = self.place_mask(condition.local_mask)
        value = self.place_mask(condition.local_value)
        thread = self.geometry.thread
        low = (1 << thread) - 1
        offset = len(self._payload)
        self._payload += payload
        self._payload += [0.0] * (-len(payload) % 4)
        words = [
            opcode,
            OPERAND_WORDS + len(more),
            offset,
            condition.outer_mask,
            condition.outer_value,
            mask & low,
            value & low,
            mask >> thread,
            value >> thread,
            *more,
        ]
        self._rounds[-1][2].append(words)

    def matrix_for_all(self, opcode: int, payload: list[float]) -> None:
        """Add a matrix without condition, into which a common factor can be multiplied."""
        self._emit_held()
        self._scalable = (len(self._payload), len(payload))
        self.emit(opcode, payload)

    def rotation(self, form: str, place: int, pair: list[float]) -> None:
        """Add a rotation. Rotations of one form on different register bits are held back: if there
        are enough, one instruction applies them all."""
        held_form, held = self._held
        if held_form != form or place in held:
            self._emit_held()
            held = {}
        self._held = (form, {**held, place: pair})

    def _emit_held(self) -> None:
        form, held = self._held
        if not held:
            return
        self._held = ("", {})
        one, together = (
            (Op.ROTATE, Op.ROTATE_ALL) if form == "real" else (Op.ROTATE_RX, Op.ROTATE_RX_ALL)
        )
        if len(held) >= ROTATIONS_AT_ONCE:
            payload: list[float] = []
            for place in range(self.geometry.register):
                payload += held.get(place, [0.0, 0.0])
            self.emit(together, payload)
        else:
            for place, pair in held.items():
                self.emit(one + place, pair)

    def factor(self, factor: float) -> None:
        """Multiply all amplitudes by ``factor``, now or later."""
        self._scale *= factor
        if abs(self._scale) < SMALLEST_SCALE:
            self._apply_scale()

    def _apply_scale(self) -> None:
        if self._scale == 1.0:
            return
        if self._scalable is None:
            self.emit(Op.SCALE, [self._scale])
        else:
            start, size = self._scalable
            for index in range(start, start + size):
                self._payload[index] *= self._scale
        self._scale = 1.0

    def form(self, terms: dict[int, float]) -> int:
        """The number plus one of the form that adds up ``terms``; 0 if there are none.

        A term is a mask on the tile number, and an angle in radians that counts where the number
        has all bits of the mask.
        """
        if not terms:
            return 0
        key = tuple(sorted((mask, self.buffers.angle(angle)) for mask, angle in terms.items()))
        return self._forms.setdefault(key, len(self._forms)) + 1

    def finish(self, trip: Trip, limit: int) -> NDArray[np.uint32] | None:
        """The program; None, and nothing added to the buffers' programs, if it has more than
        ``limit`` bytes."""
        self._emit_held()
        self._apply_scale()
        if len(self._forms) > MAX_FORMS:
            return None
        runs: dict[int, int] = {}
        for number, bit in enumerate(trip.outer):
            runs[bit - number] = runs.get(bit - number, 0) | 1 << number
        words = [len(self._rounds), trip.before, len(self._forms), 0, 0, len(runs)]
        first, last = self._rounds[0][0], self._rounds[-1][0]
        # Without an exchange, no thread waits for the others' loads before it stores.
        moved = any(trip.load[bit] != trip.store[bit] for bit in first[: self.geometry.thread])
        words += [int(trip.before < max(trip.load) + 1), int(len(self._rounds) == 1 and moved)]
        assert len(words) == HEADER_WORDS
        amplitude = self.buffers.precision.amplitude_bytes
        for shift, mask in runs.items():
            words += [mask, shift + amplitude.bit_length() - 1]
        for order, storage in ((first, trip.load), (last, trip.store)):
            for bit in order:
                offset = amplitude << storage[bit]
                words += [offset & 0xFFFFFFFF, offset >> 32]
        payload_at: list[int] = []
        for order, columns, ops in self._rounds:
            words += [columns[bit] for bit in order]
            words.append(len(ops))
            for op in ops:
                payload_at.append(len(words) + 2)
                words += op
        words += [0] * (-len(words) % 4)
        real = self.buffers.precision.real_dtype
        for at in payload_at:
            words[at] += len(words) * 4 // real.itemsize
        payload = np.array(self._payload, dtype=real).view(np.uint32)
        if 4 * (len(words) + len(payload)) > limit:
            return None
        words[3], words[4] = self.buffers.add_forms(list(self._forms))
        return np.concatenate([np.array(words, dtype=np.uint32), payload])


def pairs(matrix: NDArray[np.complex128]) -> list[float]:
    """The entries of ``matrix``, row-major, as re, im, re, im …"""
    flat = np.ascontiguousarray(matrix, dtype=np.complex128).ravel()
    values: list[float] = flat.view(np.float64).tolist()
    return values
