"""The loop over gates of a plan without a search: one trip over a small state for each gate.

The state is two arrays, of real and of imaginary parts, so that loops over neighbours are compiled
to vector instructions. A gate is five words and then words of its own, as
:mod:`simquay_numba.assembly.gates` writes them:

- its kind, the mask and the value of its controls' storage bits, the place of its numbers, and how
  many target bits it has;
- the target bits, in the order of the gate's qubits; for a permutation then its table.
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.functions import compiled_function

__all__ = ["DIAGONAL", "MATRIX", "PERMUTATION", "PREPARE", "run_gates"]

MATRIX, DIAGONAL, PERMUTATION, PREPARE = range(4)


@compiled_function
def run_gates(code, numbers_re, numbers_im, re, im, room_re, room_im):
    """Apply gates to one vector, in place.

    Args:
        code: the words of the gates, int64.
        numbers_re, numbers_im: the entries of their matrices, diagonals and amplitudes.
        re, im: the vector.
        room_re, room_im: as many numbers as the widest gate has basis states; overwritten.
    """
    size = len(re)
    offsets = np.zeros(len(room_re), dtype=np.int64)
    at = 0
    while at < len(code):
        kind, mask, value, first, k = code[at : at + 5]
        bits = code[at + 5 : at + 5 + k]
        at += 5 + k
        count = 1 << k
        targets = 0
        for j in range(k):
            targets |= 1 << bits[j]
        # Neighbours that no bit of the gate tells apart: a run of so many is treated alike.
        every = targets | mask
        run = every & -every if every else size
        if kind == 1:  # DIAGONAL
            for base in range(0, size, run):
                if base & mask == value:
                    entry = first
                    for j in range(k):
                        entry += (base >> bits[j] & 1) << j
                    c, s = numbers_re[entry], numbers_im[entry]
                    for i in range(base, base + run):
                        a, b = re[i], im[i]
                        re[i] = c * a - s * b
                        im[i] = c * b + s * a
        elif kind == 0 and k == 1:
            step = targets
            a0, a1, a2, a3 = numbers_re[first : first + 4]
            b0, b1, b2, b3 = numbers_im[first : first + 4]
            for base in range(0, size, run):
                if base & targets == 0 and base & mask == value:
                    for i in range(base, base + run):
                        r0, i0, r1, i1 = re[i], im[i], re[i + step], im[i + step]
                        re[i] = a0 * r0 - b0 * i0 + a1 * r1 - b1 * i1
                        im[i] = a0 * i0 + b0 * r0 + a1 * i1 + b1 * r1
                        re[i + step] = a2 * r0 - b2 * i0 + a3 * r1 - b3 * i1
                        im[i + step] = a2 * i0 + b2 * r0 + a3 * i1 + b3 * r1
        elif kind == 2 and k == 1 and code[at] == 1:  # X, perhaps controlled
            step = targets
            for base in range(0, size, run):
                if base & targets == 0 and base & mask == value:
                    for i in range(base, base + run):
                        re[i], re[i + step] = re[i + step], re[i]
                        im[i], im[i + step] = im[i + step], im[i]
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
                        if kind == 2:
                            for entry in range(count):
                                place = i + offsets[code[at + entry]]
                                re[place] = room_re[entry]
                                im[place] = room_im[entry]
                        elif kind == 3:  # the targets are |0>: all amplitudes come from one
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
        if kind == 2:
            at += count
