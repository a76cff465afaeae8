"""Programs word by word: rotations that are kept back, and what a header holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from encoded_opcodes import flat
from tile_stages import BOTH, real, rx

from simquay.engine_api import (
    DenseStage,
    Form,
    Layout,
    Plan,
    Precision,
    Profile,
    Round,
    Stage,
    TilePass,
)
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.encoding.opcodes import HEADER_WORDS, Op
from simquay_cupy.engine import CupyEngine


@BOTH
def test_rotations_on_many_bits_are_one_instruction(
    engine: CupyEngine, precision: Precision
) -> None:
    rng = np.random.default_rng(4)
    bits = range(5, 5 + GEOMETRIES[precision].register)
    forms: tuple[tuple[Form, Callable[[np.random.Generator], np.ndarray], Op], ...] = (
        ("real", real, Op.ROTATE_ALL),
        ("rx_like", rx, Op.ROTATE_RX_ALL),
    )
    for form, make, together in forms:
        stages: list[Stage] = []
        for bit in bits:
            matrix = make(rng)
            while abs(matrix[0, 0].real) < 0.3:
                matrix = make(rng)
            stages.append(DenseStage((bit,), matrix, form))
        opcodes = flat(engine, precision, stages)
        assert opcodes.count(together) == 1
        assert set(opcodes) <= {together, Op.SCALE}


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
