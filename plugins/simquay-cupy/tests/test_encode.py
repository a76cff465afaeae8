"""What stages become: the instructions that make a program short, and that they are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tile_stages import BOTH, HADAMARD, check, cross, real, tile_pass, unitary

from simquay.errors import ProgramError
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.tiled.passes import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    Round,
    Stage,
    TilePass,
)
from simquay.program import Matrix, Precision
from simquay_cupy.encoding import programs
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
    LANES,
    WHOLE_STATE,
    Geometry,
    middle_mapping,
    outer_mapping,
)
from simquay_cupy.encoding.opcodes import HEADER_WORDS, Op
from simquay_cupy.engine import CupyEngine

X = np.array([1, 0])


def is_flip(opcode: int) -> bool:
    return Op.CX <= opcode < Op.PHASE or opcode >= Op.CONDITIONAL + Op.FLIP


def instructions(pass_: TilePass, precision: Precision) -> list[list[int]]:
    """The opcodes of each round."""
    plan = Plan(Profile("tiled"), Layout(), Layout(), [pass_])
    words = encode_plan(plan, precision).words.tolist()
    tile = GEOMETRIES[precision].tile
    at = HEADER_WORDS + 2 * words[5] + 4 * tile
    rounds = []
    for _ in range(words[0]):
        at += tile + 1
        opcodes = []
        for _ in range(words[at - 1]):
            opcodes.append(words[at])
            at += words[at + 1]
        rounds.append(opcodes)
    return rounds


def flat(engine: CupyEngine, precision: Precision, stages: Sequence[Stage]) -> list[int]:
    """All opcodes of a pass of ``stages`` over a tile, whose result is checked as well."""
    pass_ = tile_pass(precision, stages, GEOMETRIES[precision].tile)
    check(engine, precision, [pass_], np.random.default_rng(0))
    return [opcode for round_ in instructions(pass_, precision) for opcode in round_]


@BOTH
def test_a_flip_goes_into_the_matrix_before_or_after(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(1)
    for stages in (
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
    ):
        opcodes = flat(engine, precision, stages)
        assert not any(map(is_flip, opcodes))
        flips = sum(isinstance(stage, PermuteStage) for stage in stages)
        assert len([opcode for opcode in opcodes if opcode != Op.SCALE]) == len(stages) - flips


@BOTH
def test_a_flip_stays_where_something_between_touches_its_bits(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(2)
    stages = [
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
def test_flips_by_where_their_conditions_are(engine: CupyEngine, precision: Precision) -> None:
    rng = np.random.default_rng(14)
    geometry = GEOMETRIES[precision]
    bits = range(5, 5 + geometry.register)
    thread = 4
    for target in bits:
        for control in bits:
            if control == target:
                continue
            mixes = [DenseStage((bit,), unitary(rng, 1)) for bit in bits]
            for mask, value, expected in (
                (1 << control, 1 << control, "CX"),
                (1 << control, 0, "FLIP_WHERE"),
                (1 << thread, 1 << thread, "FLIP"),
                (1 << thread, 0, "FLIP"),
                (1 << thread | 1 << control, 1 << thread | 1 << control, "FLIP_WHERE"),
            ):
                flip = PermuteStage((target,), X, Condition(mask, value))
                opcodes = flat(engine, precision, [*mixes, flip, *mixes])
                (found,) = filter(is_flip, opcodes)
                if expected == "CX":
                    assert found < Op.PHASE
                else:
                    place = found - Op.CONDITIONAL - Op[expected]
                    assert 0 <= place < geometry.register


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


@BOTH
def test_rotations_on_many_bits_are_one_instruction(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(4)
    bits = range(5, 5 + GEOMETRIES[precision].register)
    for form, make, together in (
        ("real", real, Op.ROTATE_ALL),
        ("rx_like", cross, Op.ROTATE_CROSS_ALL),
    ):
        stages: list[Stage] = []
        for bit in bits:
            matrix = make(rng)
            while abs(matrix[0, 0].real) < 0.3:
                matrix = make(rng)
            stages.append(DenseStage((bit,), matrix, form))
        opcodes = flat(engine, precision, stages)
        assert opcodes.count(together) == 1
        assert set(opcodes) <= {together, Op.SCALE}


def ising(bits: Sequence[tuple[int, int]], angle: float) -> DiagonalStage:
    table = np.exp(1j * angle * np.array([1, -1, -1, 1]))
    return DiagonalStage(
        tuple(DiagonalGroup(pair, (DiagonalTerm((0, 1), (), table),)) for pair in bits)
    )


@BOTH
def test_a_chain_of_couplings_is_a_table_and_few_factors(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(5)
    geometry = GEOMETRIES[precision]
    chain = [(bit, bit + 1) for bit in range(geometry.tile - 1)]
    bits = range(5, 5 + geometry.register)
    stages: list[Stage] = [DenseStage((bit,), unitary(rng, 1)) for bit in bits]
    stages.append(ising(chain, 0.3))
    opcodes = flat(engine, precision, stages)
    # Of the registers' bits only the outer two are coupled to others.
    assert opcodes.count(Op.REGISTER_TABLE) == 1
    assert opcodes.count(Op.PHASE) == 1
    assert Op.PHASE_TREE not in opcodes


@BOTH
def test_couplings_of_all_register_bits_to_the_outside_are_one_tree(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(15)
    geometry = GEOMETRIES[precision]
    bits = range(5, 5 + geometry.register)
    stages: list[Stage] = [DenseStage((bit,), unitary(rng, 1)) for bit in bits]
    table = np.exp(0.4j * np.array([1, -1, -1, 1]))
    outside = tuple(
        DiagonalGroup((bit,), (DiagonalTerm((0,), (outer,), table),))
        for outer, bit in enumerate(bits)
    )
    inside = ising([(low, high) for high in bits for low in bits if low < high], 0.3)
    stages.append(DiagonalStage((*outside, *inside.groups)))
    pass_ = tile_pass(precision, stages, geometry.tile + 4)
    check(engine, precision, [pass_], rng)
    opcodes = [opcode for round_ in instructions(pass_, precision) for opcode in round_]
    assert opcodes.count(Op.PHASE_TREE) == 1


@pytest.mark.parametrize("most", [0, 3])
@BOTH
def test_factors_of_threads_are_looked_up_as_far_as_there_is_room(
    engine: CupyEngine, precision: Precision, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "MAX_FACTOR_TABLES", most)
    rng = np.random.default_rng(16)
    tile = GEOMETRIES[precision].tile
    stages: list[Stage] = []
    for angle in (0.1, 0.2, 0.3, 0.4, 0.5):
        stages += [ising([(bit, bit + 3) for bit in range(tile - 3)], angle)]
        stages += [DenseStage((bit,), unitary(rng, 1)) for bit in range(tile)]
    pass_ = tile_pass(precision, stages, tile)
    check(engine, precision, [pass_], rng)
    plan = Plan(Profile("tiled"), Layout(), Layout(), [pass_])
    tables = encode_plan(plan, precision).tables
    threads = 1 << GEOMETRIES[precision].thread
    assert len(tables) == max(most * threads, 1)


@BOTH
def test_a_large_table_is_looked_up(engine: CupyEngine, precision: Precision) -> None:
    rng = np.random.default_rng(6)
    bits = tuple(range(10))
    table = np.exp(1j * rng.uniform(0, 6, 1 << 10))
    group = DiagonalGroup(bits, (DiagonalTerm(bits, (), table),))
    assert flat(engine, precision, [DiagonalStage((group,))]) == [Op.DIAGONAL]


@BOTH
def test_a_diagonal_that_is_not_quite_unitary_keeps_its_size(
    engine: CupyEngine, precision: Precision
) -> None:
    table = np.array([1, 1 + 1e-6j])
    group = DiagonalGroup((3,), (DiagonalTerm((0,), (), table),))
    assert flat(engine, precision, [DiagonalStage((group,))]) == [Op.DIAGONAL]


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES.values(), WHOLE_STATE], ids=lambda geometry: geometry.kernel
)
def test_lanes_of_a_middle_round_hit_every_bank(geometry: Geometry) -> None:
    rng = np.random.default_rng(7)
    low = (1 << geometry.bank) - 1
    for _ in range(300):
        targets = tuple(
            sorted(rng.permutation(geometry.tile)[: rng.integers(geometry.register + 1)].tolist())
        )
        mapping = middle_mapping(geometry, targets, geometry.columns)
        assert set(targets) <= set(mapping.registers)
        assert sorted((*mapping.threads, *mapping.registers)) == list(range(geometry.tile))
        banks = {0}
        for bit in mapping.threads[: geometry.bank]:
            banks |= {bank ^ geometry.columns[bit] & low for bank in banks}
        assert len(banks) == 1 << geometry.bank


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES.values(), WHOLE_STATE], ids=lambda geometry: geometry.kernel
)
def test_a_warp_loads_and_stores_runs_of_64_bytes(geometry: Geometry) -> None:
    rng = np.random.default_rng(8)
    made = 0
    for _ in range(300):
        load = rng.permutation(geometry.tile).tolist()
        store = rng.permutation(geometry.tile).tolist()
        count = int(rng.integers(geometry.register + 1))
        targets = tuple(sorted(rng.permutation(geometry.tile)[:count].tolist()))
        mapping = outer_mapping(geometry, targets, (load, store), geometry.columns)
        if mapping is None:
            continue
        made += 1
        lanes = mapping.threads[:LANES]
        for storage in (load, store):
            assert set(range(geometry.run)) <= {storage[bit] for bit in lanes}
    assert made > 30
    storage = list(range(geometry.tile))
    assert outer_mapping(geometry, (), (storage,), geometry.columns) is not None


def test_a_plan_that_is_not_for_the_gpu_is_refused() -> None:
    gates = tuple(Matrix(unitary(np.random.default_rng(0), 1), (q,)) for q in range(14))
    with pytest.raises(ProgramError, match="tiled"):
        encode_plan(make_plan(gates, Layout(), Profile("gates")), Precision.SINGLE)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=13, low=3))
    with pytest.raises(ProgramError, match="12 qubits"):
        encode_plan(plan, Precision.SINGLE)
    # In double precision, such tiles are for states of 12 qubits.
    plan = make_plan(gates, Layout(), Profile("tiled", tile=12, low=3))
    assert len(encode_plan(plan, Precision.SINGLE).passes) > 1
    with pytest.raises(ProgramError, match=r"not of 1[34]"):
        encode_plan(plan, Precision.DOUBLE)


@BOTH
def test_places_beyond_four_gigabytes(precision: Precision) -> None:
    geometry = GEOMETRIES[precision]
    width, low = 34, 6
    active = (*range(low), *range(width - geometry.tile + low, width))
    pass_ = TilePass(width, width, active, (Round((), ()),), tuple(range(geometry.tile)))
    plan = Plan(Profile("tiled"), Layout(), Layout(), [pass_])
    words = encode_plan(plan, precision).words.tolist()
    runs = words[5]
    at = HEADER_WORDS + 2 * runs
    bytes_of = {words[at + 2 * k] | words[at + 2 * k + 1] << 32 for k in range(2 * geometry.tile)}
    amplitude = precision.amplitude_bytes
    assert bytes_of == {amplitude << bit for bit in active}
    # The last tile begins where all the outer bits are 1.
    number = (1 << (width - geometry.tile)) - 1
    begin = sum(
        (number & words[HEADER_WORDS + 2 * run]) << words[HEADER_WORDS + 2 * run + 1]
        for run in range(runs)
    )
    assert begin == sum(amplitude << bit for bit in pass_.outer)
