"""Diagonal stages → instructions: polynomials in the bits, and tables that are looked up.

The angles of a diagonal are sorted by the register bits that they depend on, the *subset*; each is
the sum of a thread's terms. There are three ways to apply them: subset by subset (``PHASE``);
factors of all register indices built up bit by bit (``PHASE_TREE``); or a table over the register
indices (``REGISTER_TABLE``) of those angles that are the same for all threads. Angles that the last
two do not cover are applied subset by subset. Costs are counted in machine instructions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from simquay.engine_api import Condition, DiagonalGroup, DiagonalStage, DiagonalTerm
from simquay_cupy.encoding.opcodes import Op
from simquay_cupy.encoding.phases import split_stage
from simquay_cupy.encoding.writer import ProgramWriter, pairs

__all__ = ["Term", "cheapest_way", "write_diagonals"]

FORM_SHIFT = 16
"""A phase term's first word: the thread mask, and above it the form's number plus one."""

FACTOR_FLAG = 1 << 31
"""In the word of a table: it holds the factors themselves."""

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


def write_diagonals(writer: ProgramWriter, stage: DiagonalStage) -> None:
    """Add ``stage`` to the writer's round."""
    polynomial, tables = split_stage(stage)
    for group, term in tables:
        _look_up(writer, group, term)
    thread = writer.geometry.thread
    low = (1 << thread) - 1
    subsets: dict[int, list[Term]] = {}
    for local, outer in polynomial.items():
        place = writer.place_mask(local)
        constant = outer.get(0, 0.0)
        form = writer.form({mask: angle for mask, angle in outer.items() if mask})
        if form or constant:
            subsets.setdefault(place >> thread, []).append((place & low, constant, form))
    fixed = {
        subset: sum(constant for _, constant, _ in terms)
        for subset, terms in subsets.items()
        if all(mask == 0 and form == 0 for mask, _, form in terms)
    }
    best = cheapest_way(subsets, fixed, writer.geometry.register, writer.buffers.angle_bits == 32)
    if best == "tree":
        _phase_tree(writer, subsets, fixed)
    elif best == "table":
        _register_table(writer, fixed)
        subsets = {subset: terms for subset, terms in subsets.items() if subset not in fixed}
    if subsets:
        more = [len(subsets)]
        for subset, terms in sorted(subsets.items()):
            more += [subset, *(_thread_factor(writer, terms) or _thread_angle(writer, terms))]
        writer.emit(Op.PHASE, more=more)


def _look_up(writer: ProgramWriter, group: DiagonalGroup, term: DiagonalTerm) -> None:
    local = [group.bits[place] for place in term.places]
    more = [len(local), len(term.outer), writer.buffers.add_table(term.table)]
    more += [writer.places[bit] for bit in local]
    more += term.outer
    condition = Condition(group.local_mask, group.local_value, term.outer_mask, term.outer_value)
    writer.emit(Op.DIAGONAL, more=more, condition=condition)


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


def _phase_tree(
    writer: ProgramWriter, subsets: dict[int, list[Term]], fixed: dict[int, float]
) -> None:
    """Emit the tree instruction, and remove from ``subsets`` the angles that it applies."""
    register = writer.geometry.register
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
    more = [pairs, *_thread_angle(writer, subsets.pop(0, []))]
    for bit in range(register):
        more += _thread_angle(writer, subsets.pop(1 << bit, []))
    writer.emit(Op.PHASE_TREE, payload, more)


def _thread_factor(writer: ProgramWriter, terms: Sequence[Term]) -> list[int]:
    """The words of a factor that is looked up; empty where it depends on the tile."""
    if any(form for _, _, form in terms):
        return []
    start = writer.buffers.add_factor_table(
        tuple(sorted((mask, angle) for mask, angle, _ in terms))
    )
    return [] if start is None else [0, start | FACTOR_FLAG]


def _thread_angle(writer: ProgramWriter, terms: Sequence[Term]) -> list[int]:
    """The words of an angle of a thread."""
    table = 0
    constant = [(mask, angle) for mask, angle, form in terms if not form]
    if len(constant) >= TABLE_TERMS:
        terms = [term for term in terms if term[2]]
        table = 1 + writer.buffers.add_thread_table(tuple(sorted(constant)))
    words = [len(terms), table]
    for mask, radians, form in terms:
        words.append(mask | form << FORM_SHIFT)
        angle = writer.buffers.angle(radians)
        words.append(angle & 0xFFFFFFFF)
        if writer.buffers.angle_bits == 64:
            words.append(angle >> 32)
    return words


def _register_table(writer: ProgramWriter, fixed: dict[int, float]) -> None:
    size = 1 << writer.geometry.register
    angles = [
        sum(angle for subset, angle in fixed.items() if index & subset == subset)
        for index in range(size)
    ]
    payload = pairs(np.exp(1j * np.array(angles)))
    writer.matrix_for_all(Op.REGISTER_TABLE, payload)
