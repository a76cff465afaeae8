"""Tiled plans run by the NumPy interpreter, for states that store any qubits in any order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from simquay.planning import Plan
from simquay.planning.tiled.passes import (
    MAX_GROUP_BITS,
    DenseStage,
    DiagonalStage,
    PrepareStage,
    TilePass,
    WidePass,
)
from simquay.program import GateOperation, bits
from tests.support.gate_lists import apply_naively
from tests.support.tiled_engine import apply_tiled

__all__ = ["check_invariants", "expected", "random_vectors", "run_plan", "spread"]


def random_vectors(rng: np.random.Generator, batch: int, stored: int) -> np.ndarray:
    """``batch`` normalised vectors of ``stored`` qubits."""
    size = (batch, 1 << stored)
    vectors = rng.normal(size=size) + 1j * rng.normal(size=size)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def spread(vectors: np.ndarray, order: Sequence[int], num_qubits: int) -> np.ndarray:
    """Stored vectors as whole ones in qubit order, shape ``(batch, 2**num_qubits)``."""
    whole = np.zeros((len(vectors), 1 << num_qubits), dtype=vectors.dtype)
    whole[:, bits.spread(order)] = vectors[:, : 1 << len(order)]
    return whole


def run_plan(
    plan: Plan,
    vectors: np.ndarray,
    num_qubits: int,
) -> np.ndarray:
    """Whole vectors in qubit order after ``plan``; what was not stored before is NaN in memory."""
    state = np.full((len(vectors), 1 << num_qubits), np.nan, dtype=np.complex128)
    state[:, : vectors.shape[1]] = vectors
    apply_tiled(state, plan)
    return spread(state, plan.final.order, num_qubits)


def expected(gates: Sequence[GateOperation], whole: np.ndarray) -> np.ndarray:
    """What ``gates`` make of whole vectors, by the helper that knows no plans."""
    result = list(whole)
    for gate in gates:
        result = [apply_naively(vector, gate) for vector in result]
    return np.array(result)


def check_invariants(plan: Plan) -> None:
    """What the docstrings of ``simquay.planning.tiled.passes`` promise to kernels."""
    profile = plan.profile
    width = len(plan.initial.order)
    for pass_ in plan.passes:
        assert isinstance(pass_, (TilePass, WidePass))
        assert pass_.before == width
        width = pass_.width
        assert width >= pass_.before
        if not isinstance(pass_, TilePass):
            continue
        active = pass_.active
        t = len(active)
        assert t == min(profile.tile, width)
        assert list(active) == sorted(active)
        assert set(range(min(profile.low, width))) <= set(active)
        assert set(range(pass_.before, width)) <= set(active)
        assert sorted(pass_.store) == list(range(t))
        for round_ in pass_.rounds:
            targets = set()
            for stage in round_.stages:
                if isinstance(stage, DiagonalStage):
                    _check_diagonal(stage, t, width - t)
                    continue
                assert list(stage.bits) == sorted(set(stage.bits))
                targets |= set(stage.bits)
                if isinstance(stage, PrepareStage):
                    continue
                where = stage.condition
                assert where.local_mask < 1 << t
                assert where.outer_mask < 1 << (width - t)
                assert where.local_value & ~where.local_mask == 0
                assert where.outer_value & ~where.outer_mask == 0
                assert not any(where.local_mask >> bit & 1 for bit in stage.bits)
                if isinstance(stage, DenseStage) and stage.form == "real":
                    assert not stage.matrix.imag.any()
            assert round_.targets == tuple(sorted(targets))
            assert all(0 <= bit < t for bit in targets)
            if profile.span and len(targets) > profile.span:
                assert len(round_.stages) == 1
    assert width == len(plan.final.order)
    assert len(set(plan.final.order)) == width


def _check_diagonal(stage: DiagonalStage, local_bits: int, outer_bits: int) -> None:
    assert stage.groups
    for group in stage.groups:
        assert list(group.bits) == sorted(set(group.bits))
        assert all(0 <= bit < local_bits for bit in group.bits)
        assert not any(group.local_mask >> bit & 1 for bit in group.bits)
        everything = tuple(range(len(group.bits)))
        if len(group.bits) > MAX_GROUP_BITS:
            assert [term.places for term in group.terms] == [everything]
        assert group.terms
        for number, term in enumerate(group.terms):
            assert list(term.places) == sorted(set(term.places))
            assert set(term.places) <= set(everything)
            assert list(term.outer) == sorted(set(term.outer))
            assert all(0 <= bit < outer_bits for bit in term.outer)
            assert term.table.shape == (1 << (len(term.places) + len(term.outer)),)
            if not term.outer and not term.outer_mask:
                assert number == 0
                assert term.places == everything
        runs = [term.places for term in group.terms[1:]]
        changes = sum(a != b for a, b in itertools.pairwise(runs))
        assert changes <= max(len(set(runs)) - 1, 0)
