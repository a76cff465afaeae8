"""Diagonals as polynomials: evaluated, they are the diagonal's angles."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import DiagonalGroup, DiagonalStage, DiagonalTerm
from simquay_cupy.encoding.phases import MAX_TABLE_BITS, Polynomial, split_stage

LOCAL, OUTER = 5, 3


def value(polynomial: Polynomial, local: int, outer: int) -> complex:
    angle = sum(
        radians
        for local_mask, terms in polynomial.items()
        for outer_mask, radians in terms.items()
        if local & local_mask == local_mask and outer & outer_mask == outer_mask
    )
    return complex(np.exp(1j * angle))


def factor(stage: DiagonalStage, local: int, outer: int) -> complex:
    product = 1 + 0j
    for group in stage.groups:
        if local & group.local_mask != group.local_value:
            continue
        for term in group.terms:
            if outer & term.outer_mask != term.outer_value:
                continue
            bits = [local >> group.bits[place] & 1 for place in term.places]
            bits += [outer >> bit & 1 for bit in term.outer]
            product *= term.table[sum(bit << place for place, bit in enumerate(bits))]
    return product


@pytest.mark.parametrize("seed", range(10))
def test_a_polynomial_has_the_angles_of_the_stage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(3):
        bits = tuple(sorted(rng.permutation(LOCAL)[:2].tolist()))
        outside = tuple(sorted(rng.permutation(OUTER)[: rng.integers(3)].tolist()))
        table = np.exp(1j * rng.uniform(0, 7, 1 << (2 + len(outside))))
        free = [bit for bit in range(OUTER) if bit not in outside]
        mask = sum(1 << bit for bit in free if rng.random() < 0.5)
        term = DiagonalTerm((0, 1), outside, table, mask, mask & int(rng.integers(8)))
        local_mask = sum(1 << b for b in range(LOCAL) if b not in bits and rng.random() < 0.3)
        local_value = local_mask & int(rng.integers(1 << LOCAL))
        groups.append(DiagonalGroup(bits, (term,), local_mask, local_value))
    stage = DiagonalStage(tuple(groups))
    polynomial, tables = split_stage(stage)
    assert tables == []
    for local in range(1 << LOCAL):
        for outer in range(1 << OUTER):
            expected = factor(stage, local, outer)
            assert abs(value(polynomial, local, outer) - expected) < 1e-12


def test_couplings_of_two_bits_leave_sets_of_two_bits() -> None:
    """ZZ rotations on a ring: angles of one bit and of neighbours, none of three bits."""
    table = np.exp(0.3j * np.array([1, -1, -1, 1]))
    ring = [tuple(sorted((bit, (bit + 1) % LOCAL))) for bit in range(LOCAL)]
    groups = tuple(DiagonalGroup(pair, (DiagonalTerm((0, 1), (), table),)) for pair in ring)
    polynomial, _ = split_stage(DiagonalStage(groups))
    sets = {mask for mask, terms in polynomial.items() if abs(terms.get(0, 0)) > 1e-12}
    pairs = {1 << a | 1 << b for a, b in ring}
    assert sets == {0, *pairs, *(1 << bit for bit in range(LOCAL))}


def test_tables_that_are_no_phases_or_too_large_are_looked_up() -> None:
    many = tuple(range(MAX_TABLE_BITS + 1))
    large = DiagonalTerm(many, (), np.exp(1j * np.arange(1 << len(many))))
    shrinking = DiagonalTerm((0,), (), np.array([1, 0.5], dtype=complex))
    groups = (DiagonalGroup(many, (large,)), DiagonalGroup((0,), (shrinking,)))
    polynomial, tables = split_stage(DiagonalStage(groups))
    assert polynomial == {}
    assert [term for _, term in tables] == [large, shrinking]
