"""The cheapest of the kernel's instructions for phases.

The angles of a diagonal are sorted by the register bits that they depend on, the *subset*; each is
the sum of a thread's terms. There are three ways to apply them: subset by subset (``PHASE``);
factors of all register indices built up bit by bit (``PHASE_TREE``); or a table over the register
indices (``REGISTER_TABLE``) of those angles that are the same for all threads. Angles that the last
two do not cover are applied subset by subset. Costs are counted in machine instructions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

__all__ = ["TABLE_TERMS", "Term", "cheapest_way"]

Term = tuple[int, float, int]
"""A thread mask, an angle in radians, and the number of a form plus one, or 0."""

TABLE_TERMS = 3
"""Constant terms from which on a thread looks up their sum."""

DECODING = 42
"""From one operation to the next, as counted in nvcc's code for sm_90."""

CHOICE = 20
"""To choose the amplitudes that a subset's factor applies to."""

SINGLE_ANGLE, DOUBLE_ANGLE = 45, 140
"""For a thread's angle without its terms, with its sine and cosine."""

TERM = 12
"""For each term."""

ANGLE_LOOKUP, FACTOR_LOOKUP = 8, 14
"""For a sum of terms, and for a factor, that a thread looks up."""


def cheapest_way(
    subsets: Mapping[int, Sequence[Term]], fixed: Mapping[int, float], register: int, single: bool
) -> Literal["tree", "table", "subsets"]:
    """How to apply the angles of ``subsets``.

    Args:
        subsets: terms by the mask of register bits that must be 1.
        fixed: those of ``subsets`` that are the same for all threads, with their angle.
        register: how many register bits there are.
        single: the precision; double-precision arithmetic is issued at half the rate.
    """
    size = 1 << register
    product = 4 if single else 8

    def angle(terms: Sequence[Term]) -> int:
        forms = sum(form != 0 for _, _, form in terms)
        constants = len(terms) - forms
        lookup = ANGLE_LOOKUP if constants >= TABLE_TERMS else TERM * constants
        return (SINGLE_ANGLE if single else DOUBLE_ANGLE) + lookup + TERM * forms

    def factor(terms: Sequence[Term]) -> int:
        return angle(terms) if any(form for _, _, form in terms) else FACTOR_LOOKUP

    def one_by_one(some: Iterable[int]) -> int:
        costs = [
            CHOICE + factor(subsets[subset]) + product * (size >> subset.bit_count())
            for subset in some
        ]
        return DECODING + sum(costs) if costs else 0

    left = []
    tree = DECODING + product * (2 * size - 1)
    for bit in (0, *(1 << place for place in range(register))):
        tree += angle(subsets.get(bit, ()))
    for subset in subsets:
        if subset.bit_count() == 2 and subset in fixed:
            tree += product << (subset.bit_length() - 2)
        elif subset.bit_count() > 1:
            left.append(subset)
    table = DECODING + (product + 1) * size if fixed else 0
    ways: tuple[tuple[int, Literal["tree", "table", "subsets"]], ...] = (
        (one_by_one(subsets), "subsets"),
        (table + one_by_one(subset for subset in subsets if subset not in fixed), "table"),
        (tree + one_by_one(left), "tree"),
    )
    return min(ways)[1]
