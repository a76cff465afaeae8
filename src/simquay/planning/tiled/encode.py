"""Tiled plans as two flat arrays, which is what compiled kernels read; and back.

``code`` is a vector of int32 words, ``data`` a vector of reals of the plan's precision. Every
*offset* is an index into ``data`` and a multiple of ``ALIGN``. Complex entries are (real,
imaginary) pairs; matrices are row-major: entry ``(row, column)`` takes ``column`` to ``row``.
Local bits, outer bits, masks and tables are those of :mod:`simquay.planning.tiled.passes`; masks
are on the local index or on the tile number and fit an int32.

A pass starts at ``starts[i]`` with ``HEADER`` words:

==== =========================================================================
word meaning
==== =========================================================================
0    0: a tile pass; 1: a wide pass, which has no instructions
1    ``before``, the stored qubits that the pass reads
2    ``width``, the stored qubits that it writes
3    ``t``, the number of active bits
4    where its instructions start, as an index into ``code``
5    how many instructions there are, without ``END``
6    how many rounds there are
7    1 if ``store`` is not the identity
==== =========================================================================

After the header come ``t`` words of ``active`` and ``t`` words of ``store``, then the
instructions, then ``END``. An instruction starts with its :class:`Opcode` and its length in words,
these two included. So ``position += code[position + 1]`` steps to the next one.

``END``
    no operands.
``ROUND``
    ``k, target * k``: the instructions up to the next ``ROUND`` move amplitudes only along these
    ``k`` local bits.
``DENSE1 … DENSE``, ``FLIP``, ``PERMUTE``, ``PREPARE``
    ``outer_mask, outer_value, local_mask, local_value, offset, k, bit * k``, and for ``PERMUTE``
    ``2**k`` words of ``source`` after that.

    ======================= ====== =========================================================
    opcode                  k      data at ``offset``
    ======================= ====== =========================================================
    ``DENSE1, 2, 3``        1 to 3 ``4**k`` complex
    ``DENSE1_REAL, 2, 3``   1 to 3 ``4**k`` reals
    ``DENSE1_CROSS``        1      4 reals ``a b c d`` for ``[[a, i b], [i c, d]]``
    ``HADAMARD``            1      none (offset 0): ``[[s, s], [s, -s]]``, ``s = 2**-0.5``
    ``DENSE``               ≥ 4    ``4**k`` complex
    ``FLIP``                1      none (offset 0): X
    ``PERMUTE``             ≥ 1    none (offset 0)
    ``PREPARE``             ≥ 1    ``2**k`` complex; the masks are 0
    ======================= ====== =========================================================
``DIAGONAL``
    ``groups``, then for each group ``local_mask, local_value, k, terms, bit * k``, and then for
    each of its terms ``outer_mask, outer_value, offset, p, m, place * p, outer bit * m``, whose
    table has ``2**(p + m)`` complex entries at ``offset``. Place ``j`` is the group's ``j``-th bit.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.planning.plan import Plan
from simquay.planning.tiled.passes import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Form,
    PermuteStage,
    PrepareStage,
    Round,
    Stage,
    TilePass,
    WidePass,
)
from simquay.program.precision import Precision

__all__ = ["ALIGN", "HEADER", "EncodedPlan", "Opcode", "decode_pass", "encode_plan"]

ALIGN = 4
"""Every offset is a multiple of this many reals, so that kernels may load short vectors."""

HEADER = 8
"""Words of a pass's header."""

MAX_TILE_NUMBER_BITS = 31


class Opcode(enum.IntEnum):
    """The instructions. A number, once published, keeps its meaning."""

    END = 0
    ROUND = 1
    DENSE1 = 2
    DENSE1_REAL = 3
    DENSE1_CROSS = 4
    HADAMARD = 5
    DENSE2 = 6
    DENSE2_REAL = 7
    DENSE3 = 8
    DENSE3_REAL = 9
    DENSE = 10
    DIAGONAL = 11
    FLIP = 12
    PERMUTE = 13
    PREPARE = 14


_DENSE: dict[tuple[int, Form], Opcode] = {
    (1, "complex"): Opcode.DENSE1,
    (1, "real"): Opcode.DENSE1_REAL,
    (1, "cross"): Opcode.DENSE1_CROSS,
    (1, "hadamard"): Opcode.HADAMARD,
    (2, "complex"): Opcode.DENSE2,
    (2, "real"): Opcode.DENSE2_REAL,
    (3, "complex"): Opcode.DENSE3,
    (3, "real"): Opcode.DENSE3_REAL,
}
_FORMS: dict[Opcode, Form] = {opcode: form for (_, form), opcode in _DENSE.items()} | {
    Opcode.DENSE: "complex"
}


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPlan:
    """A tiled plan for kernels; the module's docstring says what the arrays hold.

    Attributes:
        code: shape ``(words,)``, int32.
        data: shape ``(reals,)``, float32 or float64. One such buffer on the device serves a run.
        starts: where each pass's header starts in ``code``.
        wide: the wide passes, by their number in the plan; they are not instructions.
    """

    code: NDArray[np.int32]
    data: NDArray[np.floating[Any]]
    starts: tuple[int, ...]
    wide: dict[int, WidePass]


def encode_plan(plan: Plan, precision: Precision) -> EncodedPlan:
    """``plan``, of strategy ``tiled``, as flat arrays with reals of ``precision``.

    Raises:
        ProgramError: if the plan is not tiled, or needs more than 31 bits of tile number.
    """
    encoder = _Encoder(precision)
    starts = []
    wide = {}
    for number, pass_ in enumerate(plan.passes):
        starts.append(len(encoder.code))
        if isinstance(pass_, TilePass):
            encoder.tile_pass(pass_)
        elif isinstance(pass_, WidePass):
            encoder.code += [1, pass_.before, pass_.width, 0, 0, 0, 0, 0]
            wide[number] = pass_
        else:
            raise ProgramError(
                f"a {type(pass_).__name__} is no pass of a tiled plan; "
                "make the plan with Profile(strategy='tiled')"
            )
    return EncodedPlan(np.array(encoder.code, dtype=np.int32), encoder.reals(), tuple(starts), wide)


class _Encoder:
    def __init__(self, precision: Precision) -> None:
        self.code: list[int] = []
        self._complex = precision.complex_dtype
        self._real = precision.real_dtype
        self._blocks: list[NDArray[np.floating[Any]]] = []
        self._size = 0

    def reals(self) -> NDArray[np.floating[Any]]:
        if not self._blocks:
            return np.zeros(0, dtype=self._real)
        return np.concatenate(self._blocks)

    def tile_pass(self, pass_: TilePass) -> None:
        t = len(pass_.active)
        if pass_.width - t > MAX_TILE_NUMBER_BITS:
            raise ProgramError(
                f"a tile number of {pass_.width - t} bits does not fit an int32; "
                f"plan {pass_.width} qubits with tiles of at least "
                f"{pass_.width - MAX_TILE_NUMBER_BITS} qubits"
            )
        moved = int(pass_.store != tuple(range(t)))
        instructions = sum(1 + len(round_.stages) for round_ in pass_.rounds)
        body = len(self.code) + HEADER + 2 * t
        self.code += [0, pass_.before, pass_.width, t, body]
        self.code += [instructions, len(pass_.rounds), moved]
        self.code += pass_.active
        self.code += pass_.store
        for round_ in pass_.rounds:
            self.code += [Opcode.ROUND, 3 + len(round_.targets), len(round_.targets)]
            self.code += round_.targets
            for stage in round_.stages:
                self._stage(stage)
        self.code += [Opcode.END, 2]

    def _stage(self, stage: Stage) -> None:
        start = len(self.code)
        self.code += [0, 0]  # the opcode and the length, filled in below
        if isinstance(stage, DenseStage):
            k = len(stage.bits)
            opcode = _DENSE.get((k, stage.form), Opcode.DENSE)
            self._operands(stage.condition, self._matrix(stage), stage.bits)
        elif isinstance(stage, PermuteStage):
            opcode = Opcode.FLIP if stage.is_flip else Opcode.PERMUTE
            self._operands(stage.condition, 0, stage.bits)
            if not stage.is_flip:
                self.code += stage.source.tolist()
        elif isinstance(stage, PrepareStage):
            opcode = Opcode.PREPARE
            self._operands(Condition(), self._numbers(stage.amplitudes), stage.bits)
        else:
            opcode = Opcode.DIAGONAL
            self.code.append(len(stage.groups))
            for group in stage.groups:
                self.code += [group.local_mask, group.local_value]
                self.code += [len(group.bits), len(group.terms), *group.bits]
                for term in group.terms:
                    self.code += [term.outer_mask, term.outer_value]
                    self.code += [self._numbers(term.table), len(term.places), len(term.outer)]
                    self.code += term.places
                    self.code += term.outer
        self.code[start : start + 2] = [opcode, len(self.code) - start]

    def _operands(self, condition: Condition, offset: int, bits: Sequence[int]) -> None:
        self.code += [condition.outer_mask, condition.outer_value]
        self.code += [condition.local_mask, condition.local_value]
        self.code += [offset, len(bits), *bits]

    def _matrix(self, stage: DenseStage) -> int:
        if stage.form == "hadamard":
            return 0
        if stage.form == "real" and len(stage.bits) <= 3:
            return self._block(stage.matrix.real.astype(self._real).ravel())
        if stage.form == "cross":
            (a, b), (c, d) = stage.matrix
            return self._block(np.array([a.real, b.imag, c.imag, d.real], dtype=self._real))
        return self._numbers(stage.matrix)

    def _numbers(self, values: NDArray[np.complex128]) -> int:
        flat = np.ascontiguousarray(values, dtype=self._complex).ravel()
        return self._block(flat.view(self._real))

    def _block(self, block: NDArray[np.floating[Any]]) -> int:
        offset = self._size
        self._blocks.append(block)
        self._size += len(block)
        padding = -self._size % ALIGN
        if padding:
            self._blocks.append(np.zeros(padding, dtype=self._real))
            self._size += padding
        return offset


def decode_pass(encoded: EncodedPlan, number: int) -> TilePass | WidePass:
    """Pass ``number`` of ``encoded``, rebuilt from its arrays alone."""
    if number in encoded.wide:
        return encoded.wide[number]
    code = encoded.code.tolist()
    start = encoded.starts[number]
    _, before, width, t, position, _, _, _ = code[start : start + HEADER]
    active = tuple(code[start + HEADER : start + HEADER + t])
    store = tuple(code[start + HEADER + t : start + HEADER + 2 * t])
    targets: list[tuple[int, ...]] = []
    stages: list[list[Stage]] = []
    while code[position] != Opcode.END:
        opcode, length = Opcode(code[position]), code[position + 1]
        words = code[position + 2 : position + length]
        if opcode is Opcode.ROUND:
            targets.append(tuple(words[1 : 1 + words[0]]))
            stages.append([])
        elif opcode is Opcode.DIAGONAL:
            stages[-1].append(_decode_diagonal(words, encoded.data))
        else:
            stages[-1].append(_decode_stage(opcode, words, encoded.data))
        position += length
    rounds = tuple(Round(bits, tuple(inside)) for bits, inside in zip(targets, stages, strict=True))
    return TilePass(before, width, active, rounds, store)


def _decode_stage(opcode: Opcode, words: list[int], data: NDArray[np.floating[Any]]) -> Stage:
    outer_mask, outer_value, local_mask, local_value, offset, k = words[:6]
    bits = tuple(words[6 : 6 + k])
    condition = Condition(local_mask, local_value, outer_mask, outer_value)
    if opcode is Opcode.FLIP:
        return PermuteStage(bits, np.array([1, 0], dtype=np.intp), condition)
    if opcode is Opcode.PERMUTE:
        return PermuteStage(bits, np.array(words[6 + k :], dtype=np.intp), condition)
    if opcode is Opcode.PREPARE:
        return PrepareStage(bits, _read_complex(data, offset, 1 << k))
    form = _FORMS[opcode]
    size = 1 << k
    if form == "hadamard":
        matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5
    elif form == "real":
        matrix = data[offset : offset + size * size].astype(np.complex128).reshape(size, size)
    elif form == "cross":
        a, b, c, d = data[offset : offset + 4].tolist()
        matrix = np.array([[a, 1j * b], [1j * c, d]], dtype=np.complex128)
    else:
        matrix = _read_complex(data, offset, size * size).reshape(size, size)
    return DenseStage(bits, matrix, form, condition)


def _decode_diagonal(words: list[int], data: NDArray[np.floating[Any]]) -> DiagonalStage:
    groups = []
    position = 1
    for _ in range(words[0]):
        local_mask, local_value, k, count = words[position : position + 4]
        bits = tuple(words[position + 4 : position + 4 + k])
        position += 4 + k
        terms = []
        for _ in range(count):
            outer_mask, outer_value, offset, p, m = words[position : position + 5]
            position += 5
            places = tuple(words[position : position + p])
            outer = tuple(words[position + p : position + p + m])
            position += p + m
            table = _read_complex(data, offset, 1 << (p + m))
            terms.append(DiagonalTerm(places, outer, table, outer_mask, outer_value))
        groups.append(DiagonalGroup(bits, tuple(terms), local_mask, local_value))
    return DiagonalStage(tuple(groups))


def _read_complex(
    data: NDArray[np.floating[Any]], offset: int, count: int
) -> NDArray[np.complex128]:
    pairs = data[offset : offset + 2 * count].astype(np.float64)
    return np.ascontiguousarray(pairs).view(np.complex128)
