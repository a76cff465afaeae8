"""Stages of a tile pass → instructions of a program (cuda/opcodes.cuh)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_plan import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    PrepareStage,
    Stage,
)
from quayside_cupy.absorb import Multiplex
from quayside_cupy.geometry import Mapping
from quayside_cupy.opcodes import HEADER_WORDS, OPERAND_WORDS, PAIRS, TRIPLES, Op
from quayside_cupy.phase_cost import TABLE_TERMS, Term, cheapest_way
from quayside_cupy.phases import Polynomial, split_stage
from quayside_cupy.programs import MAX_FORMS, Buffers

__all__ = ["ProgramWriter"]

FORM_SHIFT = 16
"""A phase term's first word: the thread mask, and above it the form's number plus one."""

ROTATIONS_AT_ONCE = 2
"""From this many register bits on, one instruction for all is cheaper, identities included."""

FACTOR_FLAG = 1 << 31
"""In the word of a table: it holds the factors themselves."""

SMALLEST_PIVOT = 0.25
"""A rotation is divided by its diagonal entry where that is not smaller than this."""

SMALLEST_SCALE = 2.0**-40
"""A common factor smaller than this is multiplied in at once, so that amplitudes stay in range."""


class ProgramWriter:
    """Writes one program: rounds in order, stages in order, then :meth:`finish`."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._geometry = buffers.geometry
        self._rounds: list[tuple[Mapping, list[list[int]]]] = []
        self._columns: list[list[int]] = []  # of each round, in bytes
        self._places: dict[int, int] = {}
        self._payload: list[float] = []
        self._forms: dict[tuple[tuple[int, int], ...], int] = {}
        self._scale = 1.0
        self._held: tuple[str, dict[int, list[float]]] = ("", {})  # rotations not yet emitted
        self._scalable: tuple[int, int] | None = None  # payload of a matrix that applies to all

    @property
    def forms(self) -> int:
        """How many forms the program has."""
        return len(self._forms)

    def begin_round(self, mapping: Mapping, columns: Sequence[int]) -> None:
        """The stages that follow run with ``mapping``, amplitudes in slots by ``columns``."""
        if self._held[1]:
            self._emit_held()
        self._rounds.append((mapping, []))
        amplitude = self._buffers.precision.amplitude_bytes
        self._columns.append([column * amplitude for column in columns])
        self._places = mapping.places()

    def stage(self, stage: Stage | Multiplex) -> None:
        """Add ``stage`` to the round."""
        if isinstance(stage, Multiplex):
            opcode = Op.DENSE1 + self._register(stage.stage.bits[0]) + Op.CONDITIONAL
            payload = _pairs(stage.stage.matrix) + _pairs(stage.otherwise)
            self._emit(opcode, payload, condition=stage.stage.condition)
        elif isinstance(stage, DiagonalStage):
            self._diagonal_stage(stage)
        elif isinstance(stage, DenseStage):
            self._dense(stage)
        elif isinstance(stage, PrepareStage):
            size = 1 << len(stage.bits)
            table = stage.amplitudes.reshape(size, 1)
            self._gather(stage.bits, table, np.zeros((size, 1), dtype=np.intp), ALWAYS)
        elif stage.is_flip:
            self._flip(stage)
        else:
            source = stage.source.reshape(-1, 1)
            ones = np.ones(source.shape, dtype=np.complex128)
            self._gather(stage.bits, ones, source, stage.condition)

    def _register(self, bit: int) -> int:
        """The register bit that local bit ``bit`` is in this round."""
        register = self._places[bit] - self._geometry.thread
        assert register >= 0, "the round does not hold this bit in registers"
        return register

    def _emit(
        self,
        opcode: int,
        payload: Sequence[float] = (),
        more: Sequence[int] = (),
        condition: Condition = ALWAYS,
    ) -> None:
        if self._held[1]:
            self._emit_held()
        mask, value = (
            self._place_mask(condition.local_mask),
            self._place_mask(condition.local_value),
        )
        thread = self._geometry.thread
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
        self._rounds[-1][1].append(words)

    def _flip(self, stage: PermuteStage) -> None:
        condition = stage.condition
        target = self._register(stage.bits[0])
        mask, value = (
            self._place_mask(local) for local in (condition.local_mask, condition.local_value)
        )
        registers = mask >> self._geometry.thread
        if (
            mask == value
            and registers.bit_count() == 1
            and mask == registers << self._geometry.thread
        ):
            control = registers.bit_length() - 1
            place = PAIRS.get((control, target))
            code = Op.CX + (6 + PAIRS[target, control] if place is None else place)
            self._emit(code, condition=condition)
        else:
            code = Op.FLIP_WHERE if registers else Op.FLIP
            self._emit(code + target + Op.CONDITIONAL, condition=condition)

    def _place_mask(self, local: int) -> int:
        return sum(1 << place for bit, place in self._places.items() if local >> bit & 1)

    def _matrix_for_all(self, opcode: int, payload: list[float]) -> None:
        """A matrix without condition: a common factor can be multiplied into it."""
        if self._held[1]:
            self._emit_held()
        self._scalable = (len(self._payload), len(payload))
        self._emit(opcode, payload)

    # Matrices

    def _dense(self, stage: DenseStage) -> None:
        condition = stage.condition
        k = len(stage.bits)
        if k > (2 if condition.local_mask else 3):
            size = 1 << k
            source = np.broadcast_to(np.arange(size), (size, size))
            self._gather(stage.bits, stage.matrix, source, condition)
            return
        bits = tuple(self._register(bit) for bit in stage.bits)
        place = bits[0] if k == 1 else PAIRS[bits[0], bits[1]] if k == 2 else 0
        if condition.local_mask:
            assert k == 2, "one-qubit matrices with a local condition are multiplexed"
            opcode = Op.DENSE2 + place + Op.CONDITIONAL
            self._emit(opcode, _pairs(stage.matrix), condition=condition)
        elif condition.outer_mask:
            if k == 3:
                place = TRIPLES[bits[0], bits[1], bits[2]]
            opcode = (Op.DENSE1, Op.DENSE2, Op.DENSE3)[k - 1] + place
            self._emit(opcode, _pairs(stage.matrix), condition=condition)
        elif k == 1:
            self._dense1(stage, place)
        elif k == 2 and stage.form == "real":
            self._matrix_for_all(Op.DENSE2_REAL + place, stage.matrix.real.ravel().tolist())
        elif k == 2:
            self._matrix_for_all(Op.DENSE2 + place, _pairs(stage.matrix))
        else:
            place = TRIPLES[bits[0], bits[1], bits[2]]
            self._matrix_for_all(Op.DENSE3 + place, _pairs(stage.matrix))

    def _dense1(self, stage: DenseStage, place: int) -> None:
        (a, b), (c, d) = stage.matrix.tolist()
        if stage.form == "hadamard":
            self._factor(math.sqrt(0.5))
            self._emit(Op.SUM_DIFFERENCE + place)
        elif stage.form == "complex":
            self._matrix_for_all(Op.DENSE1 + place, _pairs(stage.matrix))
        elif a.real == d.real and abs(a.real) >= SMALLEST_PIVOT:
            pivot = a.real
            self._factor(pivot)
            off = (b.real, c.real) if stage.form == "real" else (b.imag, c.imag)
            self._rotation(stage.form, place, [off[0] / pivot, off[1] / pivot])
        elif stage.form == "real":
            self._matrix_for_all(Op.DENSE1_REAL + place, [a.real, b.real, c.real, d.real])
        else:
            self._matrix_for_all(Op.CROSS + place, [a.real, b.imag, c.imag, d.real])

    def _rotation(self, form: str, place: int, pair: list[float]) -> None:
        """Rotations of one form on different register bits are kept back: where there are enough,
        one instruction does them all."""
        held_form, held = self._held
        if held and (held_form != form or place in held):
            self._emit_held()
            held = {}
        self._held = (form, {**held, place: pair})

    def _emit_held(self) -> None:
        form, held = self._held
        self._held = ("", {})
        one, together = (
            (Op.ROTATE, Op.ROTATE_ALL) if form == "real" else (Op.ROTATE_CROSS, Op.ROTATE_CROSS_ALL)
        )
        if len(held) >= ROTATIONS_AT_ONCE:
            payload: list[float] = []
            for place in range(self._geometry.register):
                payload += held.get(place, [0.0, 0.0])
            self._emit(together, payload)
        else:
            for place, pair in held.items():
                self._emit(one + place, pair)

    def _factor(self, factor: float) -> None:
        self._scale *= factor
        if abs(self._scale) < SMALLEST_SCALE:
            self._apply_scale()

    def _apply_scale(self) -> None:
        if self._scale == 1.0:
            return
        if self._scalable is None:
            self._emit(Op.SCALE, [self._scale])
        else:
            start, size = self._scalable
            for index in range(start, start + size):
                self._payload[index] *= self._scale
        self._scale = 1.0

    def _gather(
        self,
        bits: Sequence[int],
        table: NDArray[np.complex128],
        source: NDArray[np.intp],
        condition: Condition,
    ) -> None:
        """New entry ``s`` over ``bits`` is the sum over ``e`` of ``table[s, e]`` times the old
        entry ``source[s, e]``."""
        more = [len(bits), table.shape[1]]
        more.append(self._buffers.add_ints(source.ravel().tolist()))
        more.append(self._buffers.add_table(table))
        more += [self._columns[-1][bit] for bit in bits]
        more += [self._places[bit] for bit in bits]
        self._emit(Op.GATHER, more=more, condition=condition)

    # Diagonals

    def _diagonal_stage(self, stage: DiagonalStage) -> None:
        polynomial, tables = split_stage(stage)
        for group, term in tables:
            self._look_up(group, term)
        self._phase(polynomial)

    def _look_up(self, group: DiagonalGroup, term: DiagonalTerm) -> None:
        local = [group.bits[place] for place in term.places]
        more = [len(local), len(term.outer), self._buffers.add_table(term.table)]
        more += [self._places[bit] for bit in local]
        more += term.outer
        condition = Condition(
            group.local_mask, group.local_value, term.outer_mask, term.outer_value
        )
        self._emit(Op.DIAGONAL, more=more, condition=condition)

    def _phase(self, polynomial: Polynomial) -> None:
        thread = self._geometry.thread
        low = (1 << thread) - 1
        subsets: dict[int, list[Term]] = {}
        for local, outer in polynomial.items():
            place = self._place_mask(local)
            constant = outer.get(0, 0.0)
            form = self._form({mask: angle for mask, angle in outer.items() if mask})
            if form or constant:
                subsets.setdefault(place >> thread, []).append((place & low, constant, form))
        fixed = {
            subset: sum(constant for _, constant, _ in terms)
            for subset, terms in subsets.items()
            if all(mask == 0 and form == 0 for mask, _, form in terms)
        }
        best = cheapest_way(subsets, fixed, self._geometry.register, self._buffers.angle_bits == 32)
        if best == "tree":
            self._phase_tree(subsets, fixed)
        elif best == "table":
            self._register_table(fixed)
            subsets = {subset: terms for subset, terms in subsets.items() if subset not in fixed}
        if subsets:
            more = [len(subsets)]
            for subset, terms in sorted(subsets.items()):
                more += [subset, *(self._thread_factor(terms) or self._thread_angle(terms))]
            self._emit(Op.PHASE, more=more)

    def _phase_tree(self, subsets: dict[int, list[Term]], fixed: dict[int, float]) -> None:
        """Take out of ``subsets`` what the tree instruction does, and emit it."""
        register = self._geometry.register
        pairs = 0
        payload: list[float] = []
        for high in range(register):
            for bit in range(high):
                subset = 1 << high | 1 << bit
                angle = 0.0
                if subset in fixed:
                    angle = fixed[subset]
                    pairs |= 1 << (high * (high - 1) // 2 + bit)
                    del subsets[subset]
                payload += [math.cos(angle), math.sin(angle)]
        more = [pairs, *self._thread_angle(subsets.pop(0, []))]
        for bit in range(register):
            more += self._thread_angle(subsets.pop(1 << bit, []))
        self._emit(Op.PHASE_TREE, payload, more)

    def _thread_factor(self, terms: Sequence[Term]) -> list[int]:
        """The words of a factor that is looked up; none where it depends on the tile."""
        if any(form for _, _, form in terms):
            return []
        start = self._buffers.add_factor_table(
            tuple(sorted((mask, angle) for mask, angle, _ in terms))
        )
        return [] if start is None else [0, start | FACTOR_FLAG]

    def _thread_angle(self, terms: Sequence[Term]) -> list[int]:
        """The words of an angle of a thread."""
        table = 0
        constant = [(mask, angle) for mask, angle, form in terms if not form]
        if len(constant) >= TABLE_TERMS:
            terms = [term for term in terms if term[2]]
            table = 1 + self._buffers.add_thread_table(tuple(sorted(constant)))
        words = [len(terms), table]
        for mask, radians, form in terms:
            words.append(mask | form << FORM_SHIFT)
            angle = self._buffers.angle(radians)
            words.append(angle & 0xFFFFFFFF)
            if self._buffers.angle_bits == 64:
                words.append(angle >> 32)
        return words

    def _form(self, terms: dict[int, float]) -> int:
        """The number plus one of the form that adds up ``terms`` (mask on the tile number, angle
        in radians); 0 where there are none."""
        if not terms:
            return 0
        key = tuple(sorted((mask, self._buffers.angle(angle)) for mask, angle in terms.items()))
        return self._forms.setdefault(key, len(self._forms)) + 1

    def _register_table(self, fixed: dict[int, float]) -> None:
        size = 1 << self._geometry.register
        angles = [
            sum(angle for subset, angle in fixed.items() if index & subset == subset)
            for index in range(size)
        ]
        payload = _pairs(np.exp(1j * np.array(angles)))
        self._matrix_for_all(Op.REGISTER_TABLE, payload)

    # The whole

    def finish(
        self,
        load: Sequence[int],
        store: Sequence[int],
        before: int,
        outer: Sequence[int],
        limit: int,
    ) -> NDArray[np.uint32] | None:
        """The program; None, and nothing added to the buffers' programs, if it is too large.

        Args:
            load, store: the storage bit of each local bit, on the way in and out.
            before: an amplitude whose index has a bit from here on is 0 and not read.
            outer: the storage bits of the tile number, ascending.
            limit: bytes that the program may have.
        """
        if self._held[1]:
            self._emit_held()
        self._apply_scale()
        if len(self._forms) > MAX_FORMS:
            return None
        runs: dict[int, int] = {}
        for number, bit in enumerate(outer):
            runs[bit - number] = runs.get(bit - number, 0) | 1 << number
        words = [len(self._rounds), before, len(self._forms), 0, 0, len(runs)]
        first, last = self._rounds[0][0], self._rounds[-1][0]
        # Without an exchange, no thread waits for the others' loads before it stores.
        moved = any(load[bit] != store[bit] for bit in first.threads)
        words += [int(before < max(load) + 1), int(len(self._rounds) == 1 and moved)]
        assert len(words) == HEADER_WORDS
        amplitude = self._buffers.precision.amplitude_bytes
        for shift, mask in runs.items():
            words += [mask, shift + amplitude.bit_length() - 1]
        for mapping, storage in ((first, load), (last, store)):
            for bit in (*mapping.threads, *mapping.registers):
                offset = amplitude << storage[bit]
                words += [offset & 0xFFFFFFFF, offset >> 32]
        payload_at: list[int] = []
        for (mapping, ops), columns in zip(self._rounds, self._columns, strict=True):
            words += [columns[bit] for bit in (*mapping.threads, *mapping.registers)]
            words.append(len(ops))
            for op in ops:
                payload_at.append(len(words) + 2)
                words += op
        words += [0] * (-len(words) % 4)
        real = self._buffers.precision.real_dtype
        for at in payload_at:
            words[at] += len(words) * 4 // real.itemsize
        payload = np.array(self._payload, dtype=real).view(np.uint32)
        if 4 * (len(words) + len(payload)) > limit:
            return None
        words[3], words[4] = self._buffers.add_forms(list(self._forms))
        return np.concatenate([np.array(words, dtype=np.uint32), payload])


def _pairs(matrix: NDArray[np.complex128]) -> list[float]:
    """The entries as re, im, re, im …"""
    flat = np.ascontiguousarray(matrix, dtype=np.complex128).ravel()
    values: list[float] = flat.view(np.float64).tolist()
    return values
