// Kernels that pass over a whole state once: sums of probabilities, expectation values, projection,
// flips, single amplitudes. Sums are in double precision and in a
// fixed order, so that the same state always gives the same numbers.
#pragma once

#include "platform.cuh"

#define QS_THREADS 256

// Deposits the bits of `value`, from the lowest on, at the set bits of `mask` (PDEP).
QS_DEVICE Index deposit(Index value, Index mask) {
    Index result = 0;
    QS_KEEP_LOOP
    while (mask) {
        const Index low = mask & (0ull - mask);
        if (value & 1) result |= low;
        value >>= 1;
        mask ^= low;
    }
    return result;
}

template <class Real>
QS_DEVICE double squared(const Complex<Real>& a) {
    const double re = a.re, im = a.im;
    return qs_fma(re, re, im * im);
}

// Adds up `values`, one a thread, over the thread bits in `bits`; threads where these are 0 have the
// sums.
QS_DEVICE void sum_over(double* values, int bits) {
    for (int bit = 1; bit < QS_THREADS; bit <<= 1) {
        if (!(bits & bit)) continue;
        QS_BARRIER();
        QS_EACH_THREAD(t, QS_THREADS) {
            if ((t & bits & (2 * bit - 1)) == 0) values[t] += values[t | bit];
        }
    }
    QS_BARRIER();
}

// Joint probabilities. The storage bits that are not fixed to `given` are split into `lanes` (the
// lowest, at most 8: bits of a thread's number), `blocks` (output bits, one value a block) and `loop`
// (summed over, cut into `chunks`). Of the lanes, those in `summed` (a mask on the thread)
// are summed over. There is one `given` and one set of sums for each vector of a batch, or, with a
// stride of 0, for each of many `given` values of one vector.
// out[chunk << outputs | block bits | lane bits], lowest bits first.
template <class Real>
QS_DEVICE void marginal(double* shared, Word block, Word chunk, const Complex<Real>* state,
                        Index given, Index lanes, Index blocks, Index loop, int lane_count,
                        int summed, int outputs, Index steps, double* out) {
    const Index from = given | deposit(block, blocks) | deposit(chunk * steps, loop);
    QS_EACH_THREAD(t, QS_THREADS) {
        double sum = 0;
        if (t < 1 << lane_count) {
            const Index own = deposit(static_cast<Index>(t), lanes);
            Index at = from & loop;
            const Index rest = (from & ~loop) | own;
            QS_KEEP_LOOP
            for (Index step = 0; step < steps; ++step) {
                sum += squared(state[rest | at]);
                at = ((at | ~loop) + 1) & loop;
            }
        }
        shared[t] = sum;
    }
    sum_over(shared, summed);
    QS_EACH_THREAD(t, QS_THREADS) {
        if (t < 1 << lane_count && !(t & summed)) {
            int lane = 0, bit = 0;
            for (int j = 0; j < lane_count; ++j) {
                if (!(summed >> j & 1)) lane |= (t >> j & 1) << bit++;
            }
            out[static_cast<Index>(chunk) << outputs | static_cast<Index>(block) << bit | lane] =
                shared[t];
        }
    }
}

// For each of `count` strings: the sum over the block's part of conj(a[i ^ x]) a[i] (-1)^|i & z|, where
// i & fixed == values. `masks` holds z of all strings, then fixed, then values.
// out[(block * count + number) * 2 + (0 real, 1 imaginary)].
template <class Real>
QS_DEVICE void pauli_sums(double* shared, Word block, Word grid, const Complex<Real>* state,
                          Index size, Index x, const Index* masks, int count, double* out) {
    for (int number = 0; number < count; ++number) {
        const Index mask = masks[number], fixed = masks[count + number];
        const Index values = masks[2 * count + number];
        QS_EACH_THREAD(t, QS_THREADS) {
            double re = 0, im = 0;
            for (Index i = block * Index(QS_THREADS) + t; i < size; i += Index(grid) * QS_THREADS) {
                if ((i & fixed) != values) continue;
                const Complex<Real> a = state[i], b = state[i ^ x];
                const double sign = (qs_popcount(i & mask) & 1) ? -1.0 : 1.0;
                re += sign * (double(b.re) * a.re + double(b.im) * a.im);
                im += sign * (double(b.re) * a.im - double(b.im) * a.re);
            }
            shared[t] = re;
            shared[QS_THREADS + t] = im;
        }
        sum_over(shared, QS_THREADS - 1);
        sum_over(shared + QS_THREADS, QS_THREADS - 1);
        QS_EACH_THREAD(t, QS_THREADS) {
            if (t < 2) out[(Index(block) * count + number) * 2 + t] = shared[QS_THREADS * t];
        }
        QS_BARRIER();
    }
}

// Multiplies the amplitudes with `i & mask == value` by `factor`, and all others by 0.
template <class Real>
QS_DEVICE void project(Word block, Word grid, Complex<Real>* state, Index size, Index mask,
                       Index value, Real factor) {
    QS_EACH_THREAD(t, QS_THREADS) {
        for (Index i = block * Index(QS_THREADS) + t; i < size; i += Index(grid) * QS_THREADS) {
            const bool keep = (i & mask) == value;
            Complex<Real> a = {Real(0), Real(0)};
            if (keep) {
                a = state[i];
                a.re *= factor;
                a.im *= factor;
            }
            state[i] = a;
        }
    }
}

// X on every bit of `mask`, which may have none.
template <class Real>
QS_DEVICE void flip_bits(Word block, Word grid, Complex<Real>* state, Index size, Index mask) {
    if (!mask) return;
    const Index low = mask & (0ull - mask);
    QS_EACH_THREAD(t, QS_THREADS) {
        for (Index i = block * Index(QS_THREADS) + t; i < size; i += Index(grid) * QS_THREADS) {
            if (i & low) continue;
            const Complex<Real> a = state[i];
            state[i] = state[i ^ mask];
            state[i ^ mask] = a;
        }
    }
}

// out[j] is the amplitude at index first + j, or at indices[j] if there are indices. Bit q of an
// index is stored at bit places[q]; where that is negative, the bit must be 0 for the amplitude to
// be other than 0.
template <class Real>
QS_DEVICE void pick(Word block, Word grid, const Complex<Real>* state, const int* places, int qubits,
                    const Index* indices, Index first, Index count, Complex<Real>* out) {
    QS_EACH_THREAD(t, QS_THREADS) {
        for (Index j = block * Index(QS_THREADS) + t; j < count; j += Index(grid) * QS_THREADS) {
            const Index index = indices ? indices[j] : first + j;
            Index place = 0;
            bool inside = true;
            for (int q = 0; q < qubits; ++q) {
                const Index bit = index >> q & 1;
                if (places[q] >= 0) {
                    place |= bit << places[q];
                } else if (bit) {
                    inside = false;
                }
            }
            Complex<Real> a = {Real(0), Real(0)};
            if (inside) a = state[place];
            out[j] = a;
        }
    }
}
