"""Assembled programs do not depend on the caches that they were made from."""

from __future__ import annotations

import dataclasses
import gc
import sys

import numpy as np
import pytest

from simquay.engine_api import (
    Control,
    DenseStage,
    Diagonal,
    Layout,
    Precision,
    ReferenceEngine,
    Round,
    TilePass,
    make_plan,
)
from simquay.testing.engines import evolve, random_gates, random_unitary
from simquay_numba.assembly.assemble import assemble
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.matrices import COMPLEX, MATRIX_VARIANTS
from simquay_numba.kernels.run import MATRICES
from simquay_numba.kernels.vectors import lane_count

REFERENCE = ReferenceEngine()


def drop_all_caches() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("simquay_numba.assembly."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    gc.collect()


@pytest.mark.parametrize("precision", list(Precision))
def test_a_program_keeps_what_its_instructions_point_at(precision: Precision) -> None:
    engine = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
    gates = random_gates(9, 60, 4)
    plan = make_plan(gates, Layout(), engine.profile(precision, 9), None)
    want = REFERENCE.amplitudes(evolve(REFERENCE, gates, 9))
    for turn in range(3):
        state = engine.allocate(9, precision, capacity=9)
        engine.apply(state, plan, Control())
        found = engine.amplitudes(state)
        np.testing.assert_allclose(
            found, want, atol=1e-12 if precision is Precision.DOUBLE else 1e-5
        )
        drop_all_caches()
        # What was freed is written over, so that a stale address would be seen.
        filler = [np.full(size, -1, dtype=np.int64) for size in range(8, 2048, 8)]
        del filler
        assert turn or len(plan.passes) > 1


def test_the_numbers_are_the_stage_s_own_not_the_template_s() -> None:
    engine = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=1)
    for seed in range(3):  # the same gates on the same qubits, with other numbers
        rng = np.random.default_rng(seed)
        operations = [
            dataclasses.replace(gate, diagonal=np.exp(1j * rng.random(gate.diagonal.shape)))
            if isinstance(gate, Diagonal)
            else gate
            for gate in random_gates(8, 50, 1)
        ]
        assert any(isinstance(gate, Diagonal) for gate in operations)
        plan = make_plan(operations, Layout(), engine.profile(Precision.DOUBLE, 8), None)
        state = engine.allocate(8, Precision.DOUBLE, capacity=8)
        engine.apply(state, plan, Control())
        found = engine.amplitudes(state)
        want = REFERENCE.amplitudes(evolve(REFERENCE, operations, 8))
        np.testing.assert_allclose(found, want, atol=1e-12)


@pytest.mark.parametrize("precision", list(Precision))
def test_first_layers_are_small(precision: Precision) -> None:
    """A layer of gates on all qubits of an empty state: the last trip alone works on all blocks."""
    rng = np.random.default_rng(0)
    lanes = lane_count(precision.real_dtype.itemsize)
    everything = tuple(range(lanes + 6))
    stages = tuple([DenseStage((bit,), random_unitary(2, rng)) for bit in everything])
    for before, groups in ((0, [1, 8]), (lanes + 6, [8, 8])):
        pass_ = TilePass(before, len(everything), everything, (Round((), stages),), everything)
        program = assemble(pass_, precision).program(pass_)
        code = program.code[0, : program.lines]
        kernel = MATRIX_VARIANTS.index((3, False, COMPLEX))
        trips = [line for line in code.tolist() if line[:2] == [MATRICES, kernel]]
        # Three high bits, and the three others.
        assert [line[2] for line in trips] == groups


@pytest.mark.parametrize(
    ("bits", "kernels"),
    [
        ((5, 6, 7), [(3, False)]),
        ((9, 5, 8, 4), [(2, False), (2, False)]),  # not three and one
        ((5,), [(1, ())]),
        ((5, 6, 0), [(2, False), (0, (0,))]),
        ((5, 5, 6, 7), [(1, ()), (3, False)]),
    ],
)
def test_one_qubit_matrices_share_trips(
    bits: tuple[int, ...], kernels: list[tuple[int, object]]
) -> None:
    rng = np.random.default_rng(0)
    stages = tuple([DenseStage((bit,), random_unitary(2, rng)) for bit in bits])
    everything = tuple(range(10))
    pass_ = TilePass(10, 10, everything, (Round((), stages),), everything)
    code = assemble(pass_, Precision.DOUBLE).program(pass_).code[0].tolist()
    assert [MATRIX_VARIANTS[line[1]][:2] for line in code] == kernels
