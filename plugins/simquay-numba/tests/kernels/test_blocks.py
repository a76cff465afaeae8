"""Moving blocks: flips, and amplitudes on their way to blocks and back."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from stage_passes import BOTH, CONDITIONS, LOCAL, compare

from simquay.engine_api import Condition, PermuteStage, Precision
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.kernels.blocks import fence, load_amplitudes, store_amplitudes, stream_amplitudes
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES


@BOTH
@pytest.mark.parametrize("condition", CONDITIONS)
def test_flips(precision: Precision, condition: Condition) -> None:
    flip = np.array([1, 0])
    for bit in range(LOCAL):
        if not condition.local_mask >> bit & 1:
            compare(precision, [PermuteStage((bit,), flip, condition)])


@BOTH
@pytest.mark.parametrize("target", range(LOCAL))
def test_controlled_flips(precision: Precision, target: int) -> None:
    controls = [bit for bit in range(LOCAL) if bit != target]
    pairs = [(control, value) for control in controls for value in (0, 1)]
    wheres = [Condition(1 << control, value << control, 1, 1) for control, value in pairs]
    both = 1 << controls[0] | 1 << controls[1]
    wheres += [Condition(1 << control, 1 << control) for control in controls]
    wheres.append(Condition(both, both))
    for where in wheres:
        compare(precision, [PermuteStage((target,), np.array([1, 0]), where)])


@BOTH
def test_a_block_has_the_real_parts_and_then_the_imaginary_parts(precision: Precision) -> None:
    @numba.njit
    def there_and_back(unit: Any, source: int, block: int, stored: int, streamed: int) -> None:
        load_amplitudes(unit, source, block)
        store_amplitudes(unit, block, stored)
        stream_amplitudes(unit, block, streamed)
        fence()

    real = precision.real_dtype
    width = VECTOR_BYTES // real.itemsize
    rng = np.random.default_rng(0)
    amplitudes = rng.normal(size=width) + 1j * rng.normal(size=width)
    amplitudes = amplitudes.astype(precision.complex_dtype)
    block, stored, streamed = (aligned_bytes(BLOCK_BYTES) for _ in range(3))
    places = [amplitudes.ctypes.data, *map(address, (block, stored, streamed))]
    there_and_back(real.type(0), *places)
    np.testing.assert_array_equal(block.view(real)[:width], amplitudes.real)
    np.testing.assert_array_equal(block.view(real)[width:], amplitudes.imag)
    for copy in (stored, streamed):
        np.testing.assert_array_equal(copy.view(precision.complex_dtype), amplitudes)
