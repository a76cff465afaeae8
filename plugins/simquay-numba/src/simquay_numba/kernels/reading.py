"""Compiled loops that read, project and reorder a state. Sums are in double precision."""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import add_norms
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["add_marginal", "exchange", "pauli_sum", "permute_copy", "project"]


@compiled_function
def add_marginal(
    unit,
    amplitude,
    state,
    kept_offsets,
    kept_places,
    free_offsets,
    low_places,
    sums,
    sums_address,
    result,
):
    """Add ``|a|**2``, summed over the bits that are not kept, to ``result``.

    The state is cut into blocks of ``len(low_places)`` amplitudes of ``amplitude`` bytes. For each
    high kept value, the norms of the blocks at ``state + kept_offset + free_offset`` (bytes) are
    summed up place by place in ``sums``; then place ``i`` goes to
    ``result[kept_place + low_places[i]]``, or nowhere if ``low_places[i]`` is negative.
    """
    size = len(low_places)
    step = 2 * VECTOR_BYTES // amplitude
    for k in range(len(kept_offsets)):
        sums[:] = 0.0
        for f in range(len(free_offsets)):
            base = state + kept_offsets[k] + free_offsets[f]
            for i in range(0, size, step):
                add_norms(unit, base + i * amplitude, sums_address + 8 * i)
        place = kept_places[k]
        for i in range(size):
            low = low_places[i]
            if low >= 0:
                result[place + low] += sums[i]


@compiled_function
def pauli_sum(vector, x, z, partner, signs, first, last):
    """The sum of ``conj(a[i ^ x]) * a[i] * (-1)**popcount(i & z)`` over blocks of a vector.

    ``partner`` and ``signs`` say it for the low bits, of which a block has all: the place that
    ``i ^ x`` has in its block, and the sign. Blocks ``first`` to ``last - 1`` are summed.
    """
    size = len(partner)
    real = 0.0
    imag = 0.0
    for block in range(first, last):
        base = block * size
        other = (base ^ x) & ~(size - 1)
        odd = base & z
        odd ^= odd >> 32
        odd ^= odd >> 16
        odd ^= odd >> 8
        odd ^= odd >> 4
        odd ^= odd >> 2
        odd ^= odd >> 1
        re = 0.0
        im = 0.0
        for i in range(size):
            a = vector[base + i]
            b = vector[other + partner[i]]
            ar, ai, br, bi = float(a.real), float(a.imag), float(b.real), float(b.imag)
            re += signs[i] * (br * ar + bi * ai)
            im += signs[i] * (br * ai - bi * ar)
        if odd & 1:
            real -= re
            imag -= im
        else:
            real += re
            imag += im
    return real, imag


@compiled_function
def project(vector, mask, value, scale, first, last):
    """Multiply amplitudes whose index has ``value`` in the bits ``mask`` by ``scale``, others by 0.

    Of the indices ``first`` to ``last - 1``.
    """
    zero = scale * 0
    for i in range(first, last):
        vector[i] = vector[i] * (scale if i & mask == value else zero)


@compiled_function
def exchange(vector, bit, first, last):
    """Exchange the amplitudes of the pairs ``first`` to ``last - 1``, which differ in ``bit``."""
    low = (1 << bit) - 1
    for pair in range(first, last):
        i = ((pair & ~low) << 1) | (pair & low)
        j = i | (1 << bit)
        a = vector[i]
        vector[i] = vector[j]
        vector[j] = a


@compiled_function
def permute_copy(source, target, source_bases, target_bases, source_places, target_places):
    """Copy amplitudes to other places, tile by tile: all places from all bases."""
    for tile in range(len(source_bases)):
        here = source_bases[tile]
        there = target_bases[tile]
        for i in range(len(source_places)):
            target[there + target_places[i]] = source[here + source_places[i]]
