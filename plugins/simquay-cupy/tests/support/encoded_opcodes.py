"""The opcodes that stages are encoded to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tile_stages import check, tile_pass

from simquay.engine_api import (
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Layout,
    Plan,
    Precision,
    Profile,
    Stage,
    TilePass,
)
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
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


def ising(bits: Sequence[tuple[int, int]], angle: float) -> DiagonalStage:
    table = np.exp(1j * angle * np.array([1, -1, -1, 1]))
    return DiagonalStage(
        tuple(DiagonalGroup(pair, (DiagonalTerm((0, 1), (), table),)) for pair in bits)
    )
