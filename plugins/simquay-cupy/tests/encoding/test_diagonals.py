"""The instructions that a diagonal becomes."""

from __future__ import annotations

import numpy as np
from encoded_opcodes import flat, instructions, ising
from tile_stages import BOTH, check, tile_pass, unitary

from simquay.engine_api import (
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Precision,
    Stage,
)
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.encoding.opcodes import Op
from simquay_cupy.engine import CupyEngine


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
