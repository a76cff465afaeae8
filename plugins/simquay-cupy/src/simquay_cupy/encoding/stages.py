"""Stages of a tile pass → instructions of a program (cuda/opcodes.cuh)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalStage,
    PermuteStage,
    PrepareStage,
    Stage,
)
from simquay_cupy.encoding.diagonals import write_diagonals
from simquay_cupy.encoding.flip_fusion import Multiplex
from simquay_cupy.encoding.opcodes import PLACES, Op
from simquay_cupy.encoding.writer import ProgramWriter, pairs

__all__ = ["write_stage"]

SMALLEST_PIVOT = 0.25
"""A rotation is divided by its diagonal entry if that is at least this large."""


def write_stage(writer: ProgramWriter, stage: Stage | Multiplex) -> None:
    """Add ``stage`` to the writer's round."""
    if isinstance(stage, Multiplex):
        opcode = Op.DENSE1 + writer.register(stage.stage.bits[0]) + Op.CONDITIONAL
        payload = pairs(stage.stage.matrix) + pairs(stage.otherwise)
        writer.emit(opcode, payload, condition=stage.stage.condition)
    elif isinstance(stage, DiagonalStage):
        write_diagonals(writer, stage)
    elif isinstance(stage, DenseStage):
        _dense(writer, stage)
    elif isinstance(stage, PrepareStage):
        size = 1 << len(stage.bits)
        table = stage.amplitudes.reshape(size, 1)
        _gather(writer, stage.bits, table, np.zeros((size, 1), dtype=np.intp), ALWAYS)
    elif stage.is_flip:
        _flip(writer, stage)
    else:
        source = stage.source.reshape(-1, 1)
        ones = np.ones(source.shape, dtype=np.complex128)
        _gather(writer, stage.bits, ones, source, stage.condition)


def _flip(writer: ProgramWriter, stage: PermuteStage) -> None:
    condition = stage.condition
    target = writer.register(stage.bits[0])
    mask = condition.local_mask
    registers = writer.place_mask(mask) >> writer.geometry.thread
    if registers and mask.bit_count() == 1 and mask == condition.local_value:
        control = registers.bit_length() - 1
        pair = min(control, target), max(control, target)
        writer.emit(Op.CX + PLACES[pair] + 6 * (control > target), condition=condition)
    else:
        code = Op.FLIP_WHERE if registers else Op.FLIP
        writer.emit(code + target + Op.CONDITIONAL, condition=condition)


def _dense(writer: ProgramWriter, stage: DenseStage) -> None:
    condition = stage.condition
    k = len(stage.bits)
    if k > (2 if condition.local_mask else 3):
        size = 1 << k
        source = np.broadcast_to(np.arange(size), (size, size))
        _gather(writer, stage.bits, stage.matrix, source, condition)
        return
    stage, bits = _with_ascending_registers(writer, stage)
    place = PLACES[bits]
    opcode = (Op.DENSE1, Op.DENSE2, Op.DENSE3)[k - 1] + place
    if condition.local_mask:
        assert k == 2, "one-qubit matrices with a local condition are multiplexed"
        writer.emit(opcode + Op.CONDITIONAL, pairs(stage.matrix), condition=condition)
    elif condition.outer_mask:
        writer.emit(opcode, pairs(stage.matrix), condition=condition)
    elif k == 1:
        _dense1(writer, stage, place)
    elif k == 2 and stage.form == "real":
        writer.matrix_for_all(Op.DENSE2_REAL + place, stage.matrix.real.ravel().tolist())
    else:
        writer.matrix_for_all(opcode, pairs(stage.matrix))


def _with_ascending_registers(
    writer: ProgramWriter, stage: DenseStage
) -> tuple[DenseStage, tuple[int, ...]]:
    """The stage, its matrix for register bits that ascend, and these."""
    bits = tuple(writer.register(bit) for bit in stage.bits)
    ascending = tuple(sorted(bits))
    if bits == ascending:
        return stage, bits
    k = len(bits)
    # Axis i of the matrix's tensor is bit k - 1 - i of its row, or of its column.
    axes = [k - 1 - bits.index(bit) for bit in reversed(ascending)]
    tensor = stage.matrix.reshape((2,) * (2 * k)).transpose([*axes, *(k + axis for axis in axes)])
    return replace(stage, matrix=tensor.reshape(1 << k, 1 << k)), ascending


def _dense1(writer: ProgramWriter, stage: DenseStage, place: int) -> None:
    (a, b), (c, d) = stage.matrix.tolist()
    if stage.form == "hadamard":
        writer.factor(math.sqrt(0.5))
        writer.emit(Op.SUM_DIFFERENCE + place)
    elif stage.form == "complex":
        writer.matrix_for_all(Op.DENSE1 + place, pairs(stage.matrix))
    elif a.real == d.real and abs(a.real) >= SMALLEST_PIVOT:
        pivot = a.real
        writer.factor(pivot)
        off = (b.real, c.real) if stage.form == "real" else (b.imag, c.imag)
        writer.rotation(stage.form, place, [off[0] / pivot, off[1] / pivot])
    elif stage.form == "real":
        writer.matrix_for_all(Op.DENSE1_REAL + place, [a.real, b.real, c.real, d.real])
    else:
        writer.matrix_for_all(Op.RX_LIKE + place, [a.real, b.imag, c.imag, d.real])


def _gather(
    writer: ProgramWriter,
    bits: Sequence[int],
    table: NDArray[np.complex128],
    source: NDArray[np.intp],
    condition: Condition,
) -> None:
    """New entry ``s`` over ``bits`` is the sum over ``e`` of ``table[s, e]`` times the old
    entry ``source[s, e]``."""
    ints = writer.buffers.add_ints(source.ravel().tolist())
    more = [len(bits), table.shape[1], ints, writer.buffers.add_table(table)]
    more += [writer.columns[bit] for bit in bits]
    more += [writer.places[bit] for bit in bits]
    writer.emit(Op.GATHER, more=more, condition=condition)
