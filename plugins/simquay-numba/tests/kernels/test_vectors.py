"""The vectors that LLVM is given."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from simquay_numba.kernels.blocks import load_amplitudes
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES, lane_count


@pytest.mark.skipif(VECTOR_BYTES < 64, reason="this machine has no 512-bit vectors")
def test_vectors_are_as_wide_as_the_machines() -> None:
    @numba.njit
    def copy(unit: Any, source: int, target: int) -> None:
        load_amplitudes(unit, source, target)

    copy.compile((numba.float32, numba.int64, numba.int64))
    (assembly,) = copy.inspect_asm().values()
    assert "%zmm" in assembly


def test_the_lanes_of_a_block_are_one_vector() -> None:
    for real_bytes in (4, 8):
        assert 2 * real_bytes << lane_count(real_bytes) == BLOCK_BYTES
