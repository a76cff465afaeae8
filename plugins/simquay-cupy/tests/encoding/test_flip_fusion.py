"""Flips go into neighbouring matrices and into exchanges, and the result is right."""

from __future__ import annotations

import numpy as np
from encoded_opcodes import X, flat, instructions, is_flip
from tile_stages import BOTH, HADAMARD, check, real, tile_pass, unitary

from simquay.engine_api import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    Precision,
    Stage,
)
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.encoding.opcodes import Op
from simquay_cupy.engine import CupyEngine


@BOTH
def test_a_flip_goes_into_the_matrix_before_or_after(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(1)
    cases: tuple[list[Stage], ...] = (
        [DenseStage((5, 9), unitary(rng, 2)), PermuteStage((5,), X, Condition(1 << 9, 1 << 9))],
        [PermuteStage((9,), X, Condition(1 << 5, 0)), DenseStage((5, 9), unitary(rng, 2))],
        [DenseStage((5,), HADAMARD, "hadamard"), PermuteStage((5,), X)],
        [
            DenseStage((5, 9), unitary(rng, 2)),
            DenseStage((2,), unitary(rng, 1)),
            PermuteStage((9,), X, Condition(1 << 5, 1 << 5)),
        ],
        [  # it commutes with a matrix under its control, and with another X on its target
            DenseStage((5, 9), unitary(rng, 2)),
            DenseStage((2,), unitary(rng, 1), "complex", Condition(1 << 9, 1 << 9)),
            DenseStage((5, 8), unitary(rng, 2)),
            PermuteStage((5,), X, Condition(1 << 8, 0)),
            PermuteStage((5,), X, Condition(1 << 8, 1 << 8)),
        ],
    )
    for stages in cases:
        opcodes = flat(engine, precision, stages)
        assert not any(map(is_flip, opcodes))
        flips = sum(isinstance(stage, PermuteStage) for stage in stages)
        assert len([opcode for opcode in opcodes if opcode != Op.SCALE]) == len(stages) - flips


@BOTH
def test_a_flip_stays_where_something_between_touches_its_bits(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(2)
    stages: list[Stage] = [
        DenseStage((5, 9), unitary(rng, 2)),
        DenseStage((9,), real(rng), "real"),
        PermuteStage((5,), X, Condition(1 << 9, 1 << 9)),
        DenseStage((5,), real(rng), "real"),
    ]
    opcodes = flat(engine, precision, stages)
    assert sum(map(is_flip, opcodes)) == 1


@BOTH
def test_the_last_flips_of_a_round_are_done_by_the_exchange(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(12)
    tile = GEOMETRIES[precision].tile
    for _ in range(8):
        stages: list[Stage] = []
        for _ in range(5):
            order = rng.permutation(tile).tolist()
            pair = tuple(sorted(order[:2]))
            stages.append(DenseStage(pair, unitary(rng, 2)))
            for _ in range(3):
                control, target = rng.permutation(tile)[:2].tolist()
                stages.append(PermuteStage((target,), X, Condition(1 << control, 1 << control)))
        pass_ = tile_pass(precision, stages, tile)
        check(engine, precision, [pass_], rng)
        rounds = instructions(pass_, precision)
        flips = [sum(map(is_flip, codes)) for codes in rounds]
        assert sum(flips) < 12
        # Wide matrices and tables look at the slots as well.
        bits = tuple(sorted(rng.permutation(tile)[:4].tolist()))
        table = np.exp(1j * rng.uniform(0, 6, 1 << 9))
        group = DiagonalGroup(tuple(range(9)), (DiagonalTerm(tuple(range(9)), (), table),))
        stages += [
            DenseStage((1, tile - 1), unitary(rng, 2)),
            DenseStage(bits, unitary(rng, 4)),
            DiagonalStage((group,)),
            DenseStage((0, 7), unitary(rng, 2)),
        ]
        check(engine, precision, [tile_pass(precision, stages, tile)], rng)


@BOTH
def test_the_first_flips_of_a_round_are_done_by_the_exchange_before(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(13)
    register = GEOMETRIES[precision].register
    early, late = range(register), range(register, 2 * register)
    mixes = [DenseStage((bit,), unitary(rng, 1)) for bit in early]
    after = [DenseStage((bit,), unitary(rng, 1)) for bit in late]
    # Not last of the first round, whose targets they need not be: this one moves a bit of both.
    flips = [
        PermuteStage((late[0],), X, Condition(1 << early[1], 1 << early[1])),
        PermuteStage((late[0],), X, Condition(1 << late[1], 1 << late[1])),
        PermuteStage((late[2],), X, Condition(1 << late[0], 1 << late[0])),
    ]
    stages: list[Stage] = [*mixes, after[1], *flips[:1], *mixes, *after]
    assert sum(map(is_flip, flat(engine, precision, stages))) == 0
    stages = [*mixes, *flips, *after, *mixes]
    assert sum(map(is_flip, flat(engine, precision, stages))) == 0
    # A condition on the outside or on a 0 is no linear map.
    stages = [*mixes, PermuteStage((late[0],), X, Condition(1 << early[1], 0)), *after, *mixes]
    assert sum(map(is_flip, flat(engine, precision, stages))) == 1


@BOTH
def test_both_values_of_a_condition_are_one_instruction(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(3)
    for control in (0, 3, 8):
        stages = [
            DenseStage((6,), unitary(rng, 1), "complex", Condition(1 << control, value << control))
            for value in (1, 0)
        ]
        assert len(flat(engine, precision, stages)) == 1
        # Another bit, another value of more bits: not the complement.
        stages[1] = DenseStage((6,), unitary(rng, 1), "complex", Condition(1 << 10, 0))
        assert len(flat(engine, precision, stages)) == 2
