"""Aligned memory, regions for states, and the size of the second-level cache."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from simquay_numba.buffers import (
    HUGE_PAGE,
    address,
    advise_free,
    aligned_bytes,
    region_bytes,
    second_level_cache,
    state_region,
)


@pytest.mark.parametrize("alignment", [64, 4096])
@pytest.mark.parametrize("count", [1, 1000])
def test_bytes_are_aligned(count: int, alignment: int) -> None:
    memory = aligned_bytes(count, alignment)
    assert memory.shape == (count,)
    assert address(memory) % alignment == 0


def test_a_region_s_bytes_begin_at_a_huge_page_and_are_its_own() -> None:
    region = state_region(3 << 20)
    memory = region_bytes(region, 3 << 20)
    assert len(memory) == 3 << 20
    assert address(memory) % HUGE_PAGE == 0
    memory[...] = 7
    assert np.frombuffer(region, dtype=np.uint8).sum(dtype=np.int64) == 7 * (3 << 20)


def test_memory_that_the_system_does_not_have_is_a_memory_error() -> None:
    with pytest.raises(MemoryError, match=f"no {1 << 60} bytes"):
        state_region(1 << 60)


def test_offered_pages_can_be_written_to_again() -> None:
    region = state_region(2 << 20)
    memory = region_bytes(region, 2 << 20)
    assert advise_free(region) is hasattr(mmap, "MADV_FREE")
    memory[...] = 5
    assert memory.min() == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1024K\n", 1 << 20), ("32K", 1 << 18), ("9999K", 1 << 21), ("?", 1 << 19)],
)
def test_the_size_of_the_cache_is_bounded(tmp_path: Path, text: str, expected: int) -> None:
    file = tmp_path / "size"
    file.write_text(text)
    assert second_level_cache(file) == expected
    assert second_level_cache(tmp_path / "missing") == 1 << 19
