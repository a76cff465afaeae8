"""Compiled loops that read, project and reorder a state.

Sums are taken in double precision. A ``vector`` is complex, shape ``(2**n,)``; its index has one
bit for each storage bit.
"""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import add_norms, bit_count
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["add_marginal", "apply_string", "permute_copy", "project"]


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

    The state is cut into parts of ``len(low_places)`` neighbouring amplitudes. For each value of
    the kept bits above a part, the norms of the parts at ``state + kept_offset + free_offset`` are
    summed up place by place; the sum at place ``i`` is added to
    ``result[kept_place + low_places[i]]``, or dropped if ``low_places[i]`` is negative.

    Args:
        unit: a real number of the precision.
        amplitude: bytes of an amplitude.
        state: address of the vector.
        kept_offsets: int64, shape ``(values,)``: byte offset of each value of the high kept bits.
        kept_places: int64, shape ``(values,)``: its part of the index into ``result``.
        free_offsets: int64: byte offset of each value of the high bits that are summed over.
        low_places: int64, shape ``(size,)``: the other part of the index, by place in a part.
        sums: float64, shape ``(size,)``, to work in.
        sums_address: its address.
        result: float64, changed in place.
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
def project(vector, mask, value, scale, first, last):
    """Multiply amplitudes whose index has ``value`` in the bits ``mask`` by ``scale``, others by 0.

    Only indices ``first`` to ``last - 1`` are changed.
    """
    zero = scale * 0
    for i in range(first, last):
        vector[i] = vector[i] * (scale if i & mask == value else zero)


@compiled_function
def apply_string(vector, x, z, first, last):
    """Apply X to the bits of the mask ``x`` and then Z to those of ``z``, up to a phase, to the
    pairs ``first`` to ``last - 1`` of amplitudes."""
    gap = max(x & -x, 1)
    for pair in range(first, last):
        i = ((pair & -gap) << 1) | (pair & (gap - 1))
        j = i ^ (x if x else gap)
        a, b = (vector[j], vector[i]) if x else (vector[i], vector[j])
        vector[i] = -a if bit_count(i & z) & 1 else a
        vector[j] = -b if bit_count(j & z) & 1 else b


@compiled_function
def permute_copy(source, target, source_bases, target_bases, source_places, target_places):
    """Copy ``source[sb + sp]`` to ``target[tb + tp]`` for all pairs of bases and pairs of
    places."""
    for tile in range(len(source_bases)):
        here = source_bases[tile]
        there = target_bases[tile]
        for i in range(len(source_places)):
            target[there + target_places[i]] = source[here + source_places[i]]
