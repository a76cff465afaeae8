"""Numbers become coefficients, and words become their addresses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.engine_api import Precision
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.compiling import compiled
from simquay_numba.kernels.packing import ONE, WANTED, ZERO
from simquay_numba.kernels.run import MATRICES, TABLE, WORDS
from simquay_numba.kernels.vectors import VECTOR_BYTES


@pytest.mark.parametrize("precision", list(Precision))
def test_words_point_at_what_their_fills_make(precision: Precision) -> None:
    real = precision.real_dtype
    numbers = np.array([1, 2, 3, 4, 5, 6], dtype=real)
    codes = [np.array(list_, dtype=np.int32) for list_ in ([3, ONE, 0, ZERO], [0, ONE])]
    fills = np.array(
        [
            [address(codes[0]), 4, 0, 4],  # of a source of four reals
            [address(codes[1]), 2, 1, 2],  # of the next one of two, each with the real after it
            [0, 2, 0, 0],  # as they are
        ],
        dtype=np.int64,
    )
    numbers = np.append(numbers, np.array([7, 8], dtype=real))
    code = np.zeros((2, WORDS), dtype=np.int64)
    code[0, :2] = MATRICES, WANTED + 2
    code[1, :3] = TABLE, 0, 3
    note: NDArray[np.int64] = np.array([11, WANTED + 1, 12], dtype=np.int64)
    words = np.concatenate([code.ravel(), note])
    memory = aligned_bytes(2 * VECTOR_BYTES)
    notes = address(words) + code.nbytes
    _, pack = compiled(precision.complex_dtype)
    end = pack(real.type(0), words, 2, fills, numbers, address(memory), notes)
    assert words[1] == address(memory)
    assert words[WORDS + 1] == notes
    assert words[-3:].tolist() == [11, address(memory) + VECTOR_BYTES, 12]
    assert end == address(memory) + 2 * VECTOR_BYTES
    made = memory.view(real)
    assert made[:6].tolist() == [4, 1, 1, 0, 5 + 6, 1]
    assert made[VECTOR_BYTES // real.itemsize :][:2].tolist() == [7, 8]
