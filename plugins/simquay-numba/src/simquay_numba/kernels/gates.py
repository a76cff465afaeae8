"""The loop over gates of a plan without a search: about one trip over a small state for each gate.

Gates on one bit without controls wait: they are multiplied with those that wait there already. A
gate on the same bit that does not commute with their product makes it take its trip.

The state is two arrays, of real and of imaginary parts, so that loops over neighbours are compiled
to vector instructions. A gate is five words and then words of its own, as
:mod:`simquay_numba.assembly.gates` writes them:

- its kind, the mask and the value of its controls' storage bits, the place of its numbers, and how
  many target bits it has;
- the target bits, in the order of the gate's qubits; for a permutation then its table.

Between gates the mean of a string may be read (:mod:`simquay_numba.kernels.strings.means`): its
words are ``READ``, the fixed bits and their values, ``z``, 1 and ``x``.
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.matrices import rotate_lanes, rotate_vectors
from simquay_numba.kernels.scalars import bit_count
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["DIAGONAL", "MATRIX", "PERMUTATION", "PREPARE", "READ", "run_gates"]

MATRIX, DIAGONAL, PERMUTATION, PREPARE, READ = range(5)


# Of an unsigned index it is not asked whether it is negative, and counts from the end, which would
# keep a loop from vector instructions. Where a loop writes two places of one array, they are slices
# as well; for a short run, slices take longer.
SHORT = 32


@compiled_function
def _apply_single(re, im, bit, mask, value, m):
    """Apply a matrix on one bit, where the bits of ``mask`` have the value ``value``.

    ``m`` holds the real parts of its four entries, and then the imaginary parts.
    """
    step = 1 << bit
    lanes = VECTOR_BYTES // re.itemsize
    if mask == 0 and len(re) > lanes and m[4] == m[5] == m[6] == m[7] == 0:
        for part in (re.ctypes.data, im.ctypes.data):
            if step < lanes:
                rotate_lanes(part, len(re) // lanes, bit, m[0], m[1], m[2], m[3])
            else:
                half = len(re) // (2 * lanes)
                rotate_vectors(part, half, step // lanes, m[0], m[1], m[2], m[3])
        return
    every = step | mask
    run = every & -every
    for base in range(0, len(re), run if mask else 2 * step):
        if base & step == 0 and base & mask == value:
            if run < SHORT:
                for i in range(np.uint64(base), np.uint64(base + run)):
                    j = i + np.uint64(step)
                    re[i], im[i], re[j], im[j] = _rotated(re[i], im[i], re[j], im[j], m)
            else:
                re0, im0 = re[base : base + run], im[base : base + run]
                re1, im1 = re[base + step : base + step + run], im[base + step : base + step + run]
                for i in range(run):
                    re0[i], im0[i], re1[i], im1[i] = _rotated(re0[i], im0[i], re1[i], im1[i], m)


@compiled_function
def _rotated(r0, i0, r1, i1, m):
    """The matrix ``m`` times two amplitudes."""
    return (
        m[0] * r0 - m[4] * i0 + m[1] * r1 - m[5] * i1,
        m[0] * i0 + m[4] * r0 + m[1] * i1 + m[5] * r1,
        m[2] * r0 - m[6] * i0 + m[3] * r1 - m[7] * i1,
        m[2] * i0 + m[6] * r0 + m[3] * i1 + m[7] * r1,
    )


@compiled_function
def _apply_phases(re, im, bit, m):
    """Apply a diagonal on one bit; ``m`` as for :func:`_apply_single`."""
    run = 1 << bit
    for base in range(0, len(re), run):
        entry = base >> bit & 1
        c, s = m[3 * entry], m[4 + 3 * entry]
        for i in range(np.uint64(base), np.uint64(base + run)):
            re[i], im[i] = c * re[i] - s * im[i], c * im[i] + s * re[i]


@compiled_function
def _swap(one, other):
    """Exchange the numbers of two arrays."""
    for i in range(len(one)):
        one[i], other[i] = other[i], one[i]


@compiled_function
def _multiply(m, kind, numbers_re, numbers_im, first):
    """Put the gate whose numbers begin at ``first`` on the left of the product ``m``."""
    for column in range(2):
        r0, i0, r1, i1 = m[column], m[4 + column], m[2 + column], m[6 + column]
        for row in range(2):
            if kind == DIAGONAL:
                c, s = numbers_re[first + row], numbers_im[first + row]
                r, i = (r1, i1) if row else (r0, i0)
                m[2 * row + column] = c * r - s * i
                m[4 + 2 * row + column] = c * i + s * r
            else:
                at = first + 2 * row
                c0, s0 = numbers_re[at], numbers_im[at]
                c1, s1 = numbers_re[at + 1], numbers_im[at + 1]
                m[2 * row + column] = c0 * r0 - s0 * i0 + c1 * r1 - s1 * i1
                m[4 + 2 * row + column] = c0 * i0 + s0 * r0 + c1 * i1 + s1 * r1


@compiled_function
def _read(re, im, x, z, fixed, values):
    """The mean of a string."""
    top = 1
    while top <= x >> 1:
        top <<= 1
    top = top if x else 0  # the partners of indices with this bit are those without
    odd = bit_count(x & z) & 1
    every = x | z | fixed
    run = every & -every if every else len(re)
    total = 0.0
    for base in range(0, len(re), run):
        if base & top or base & fixed != values:
            continue
        other = base ^ x
        found = 0.0
        if run < SHORT:
            for k in range(np.uint64(run)):
                i, j = np.uint64(base) + k, np.uint64(other) + k
                if odd:
                    found += re[j] * im[i] - im[j] * re[i]
                else:
                    found += re[j] * re[i] + im[j] * im[i]
        else:
            re0, im0 = re[base : base + run], im[base : base + run]
            re1, im1 = re[other : other + run], im[other : other + run]
            if odd:
                for i in range(run):
                    found += re1[i] * im0[i] - im1[i] * re0[i]
            else:
                for i in range(run):
                    found += re1[i] * re0[i] + im1[i] * im0[i]
        total += found * (1 - 2 * (bit_count(base & z) & 1))
    # The sign is that of 1j**count, or of its product with 1j.
    total *= 1 - (bit_count(x & z) + 1 & 2)
    return 2 * total if top else total


@compiled_function
def run_gates(code, numbers_re, numbers_im, re, im, room_re, room_im, means):
    """Apply gates to one vector, in place.

    Args:
        code: the words of the gates, int64.
        numbers_re, numbers_im: the entries of their matrices, diagonals and amplitudes.
        re, im: the vector.
        room_re, room_im: as many numbers as the widest gate has basis states; overwritten.
        means: float64, as many as are read; overwritten.
    """
    size = len(re)
    read = 0
    offsets = np.zeros(len(room_re), dtype=np.int64)
    waiting = np.zeros(64, dtype=np.int64)  # by bit: the kind of the product that waits
    products = np.empty((64, 8), dtype=re.dtype)
    single = np.empty(8, dtype=re.dtype)
    waits = 0  # the bits with a product
    at = 0
    while at < len(code):
        kind, mask, value, first, k = code[at : at + 5]
        bits = code[at + 5 : at + 5 + k]
        at += 5 + k
        count = 1 << k
        if k == 1 and mask == 0 and kind <= DIAGONAL:
            bit = bits[0]
            if not waits >> bit & 1:
                waits |= 1 << bit
                waiting[bit] = DIAGONAL
                products[bit] = 0
                products[bit, 0] = products[bit, 3] = 1
            waiting[bit] = min(waiting[bit], kind)  # a matrix makes the product a matrix
            _multiply(products[bit], kind, numbers_re, numbers_im, first)
            continue
        targets = 0
        if kind == READ:
            targets = bits[0]
            mask |= first
        else:
            for j in range(k):
                targets |= 1 << bits[j]
        met = (targets | mask) & waits
        while met:
            bit = 0
            while not met >> bit & 1:
                bit += 1
            met ^= 1 << bit
            # A diagonal commutes with a control, and with another diagonal.
            if waiting[bit] == MATRIX:
                _apply_single(re, im, bit, 0, 0, products[bit])
                waits ^= 1 << bit
            elif kind != DIAGONAL and targets >> bit & 1:
                _apply_phases(re, im, bit, products[bit])
                waits ^= 1 << bit
        # Neighbours that no bit of the gate tells apart: a run of so many is treated alike.
        every = targets | mask
        run = every & -every if every else size
        if kind == READ:
            means[read] = _read(re, im, targets, first, code[at - 5], value)
            read += 1
        elif kind == DIAGONAL:
            for base in range(0, size, run):
                if base & mask == value:
                    entry = first
                    for j in range(k):
                        entry += (base >> bits[j] & 1) << j
                    c, s = numbers_re[entry], numbers_im[entry]
                    for i in range(np.uint64(base), np.uint64(base + run)):
                        re[i], im[i] = c * re[i] - s * im[i], c * im[i] + s * re[i]
        elif kind == MATRIX and k == 1:
            single[:4] = numbers_re[first : first + 4]
            single[4:] = numbers_im[first : first + 4]
            _apply_single(re, im, bits[0], mask, value, single)
        elif kind == PERMUTATION and k == 1 and code[at] == 1:  # X, perhaps controlled
            step = targets
            for base in range(0, size, run):
                if base & targets == 0 and base & mask == value:
                    if run < SHORT:
                        for i in range(np.uint64(base), np.uint64(base + run)):
                            j = i + np.uint64(step)
                            re[i], re[j] = re[j], re[i]
                            im[i], im[j] = im[j], im[i]
                    else:
                        end = base + run
                        _swap(re[base:end], re[base + step : end + step])
                        _swap(im[base:end], im[base + step : end + step])
        else:
            for entry in range(count):
                offsets[entry] = 0
                for j in range(k):
                    offsets[entry] |= (entry >> j & 1) << bits[j]
            for base in range(0, size, run):
                if base & targets == 0 and base & mask == value:
                    for i in range(base, base + run):
                        for entry in range(count):
                            room_re[entry] = re[i + offsets[entry]]
                            room_im[entry] = im[i + offsets[entry]]
                        if kind == PERMUTATION:
                            for entry in range(count):
                                place = i + offsets[code[at + entry]]
                                re[place] = room_re[entry]
                                im[place] = room_im[entry]
                        elif kind == PREPARE:  # the targets are |0>: all amplitudes come from one
                            for entry in range(count):
                                c, s = numbers_re[first + entry], numbers_im[first + entry]
                                re[i + offsets[entry]] = c * room_re[0] - s * room_im[0]
                                im[i + offsets[entry]] = c * room_im[0] + s * room_re[0]
                        else:
                            for row in range(count):
                                line = first + row * count
                                a = room_re[0] * 0
                                b = room_re[0] * 0
                                for entry in range(count):
                                    c, s = numbers_re[line + entry], numbers_im[line + entry]
                                    a += c * room_re[entry] - s * room_im[entry]
                                    b += c * room_im[entry] + s * room_re[entry]
                                re[i + offsets[row]] = a
                                im[i + offsets[row]] = b
        if kind == PERMUTATION:
            at += count
    for bit in range(64):
        if waits >> bit & 1:
            if waiting[bit] == MATRIX:
                _apply_single(re, im, bit, 0, 0, products[bit])
            else:
                _apply_phases(re, im, bit, products[bit])
