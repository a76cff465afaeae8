// Kernels that pass over a whole state once: sums of probabilities, expectation values, projection,
// flips, sums of strings, single amplitudes. Sums are in double precision and in a
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
            QS_UNROLL_BY_4  // so many loads are on their way at once
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

// A group of strings, which need the same products of amplitudes: as encoding/strings.py writes it.
struct StringGroup {
    Index x;      // of all strings
    Index low;    // the bits of an amplitude's index below the highest bit of x; all bits if x is 0
    Index odd;    // whether the products are imaginary parts
    Index size;   // how many products there are: one for each pair of amplitudes
    Index first;  // the number of the first string
    Index count;  // how many strings there are
};

// Masks of a string over the index of a product.
struct StringMasks {
    Index z, fixed, values;
};

#define QS_SMALL_GROUP 8
#define QS_TILE_PRODUCTS 2048

QS_DEVICE double with_sign(double value, Index bits) {
    return (qs_popcount(bits) & 1) ? -value : value;
}

// The real or the imaginary part of conj(a[i ^ x]) a[i], where i is j with a 0 put in at the highest
// bit of x.
template <class Real>
QS_DEVICE double pair_product(const Complex<Real>* state, const StringGroup& group, Index j) {
    const Index i = ((j & ~group.low) << 1) | (j & group.low);
    const Complex<Real> a = state[i], b = state[i ^ group.x];
    const double re = a.re, im = a.im;
    return group.odd ? qs_fma(im, double(b.re), -re * double(b.im))
                     : qs_fma(re, double(b.re), im * double(b.im));
}

struct SmallSums {
    double of[QS_SMALL_GROUP];
};

// For each string of a group: the sum of (-1)^|j & z| times the product j over the block's part of
// those with j & fixed == values. A thread adds up its products for up to QS_SMALL_GROUP strings.
// Those of a larger group, at most one a thread, have no fixed bits: each takes its sum from the
// Walsh-Hadamard transforms of tiles.
template <class Real>
QS_DEVICE void string_sums(double* shared, Word block, Word grid, const Complex<Real>* state,
                           const StringGroup& group, const StringMasks* masks, double* out) {
    const int count = static_cast<int>(group.count);
    if (count <= QS_SMALL_GROUP) {
        QS_PRIVATE(SmallSums, sums, QS_THREADS);
        QS_EACH_THREAD(t, QS_THREADS) {
            SmallSums own = {};
            for (Index j = block * Index(QS_THREADS) + t; j < group.size;
                 j += Index(grid) * QS_THREADS) {
                const double product = pair_product(state, group, j);
                QS_UNROLL
                for (int n = 0; n < QS_SMALL_GROUP; ++n) {
                    if (n < count && (j & masks[n].fixed) == masks[n].values)
                        own.of[n] += with_sign(product, j & masks[n].z);
                }
            }
            QS_OWN(sums, t) = own;
        }
        QS_UNROLL
        for (int n = 0; n < QS_SMALL_GROUP; ++n) {
            if (n >= count) continue;
            QS_EACH_THREAD(t, QS_THREADS) { shared[t] = QS_OWN(sums, t).of[n]; }
            sum_over(shared, QS_THREADS - 1);
            QS_EACH_THREAD(t, QS_THREADS) {
                if (t == 0) out[n] = shared[0];
            }
        }
        return;
    }
    QS_PRIVATE(double, total, QS_THREADS);
    QS_EACH_THREAD(t, QS_THREADS) { QS_OWN(total, t) = 0; }
    for (Index begin = block * Index(QS_TILE_PRODUCTS); begin < group.size;
         begin += Index(grid) * QS_TILE_PRODUCTS) {
        QS_EACH_THREAD(t, QS_THREADS) {
            for (int place = t; place < QS_TILE_PRODUCTS; place += QS_THREADS) {
                const Index j = begin + place;
                shared[place] = j < group.size ? pair_product(state, group, j) : 0;
            }
        }
        QS_KEEP_LOOP
        for (int bit = 1; bit < QS_TILE_PRODUCTS; bit <<= 1) {
            QS_BARRIER();
            QS_EACH_THREAD(t, QS_THREADS) {
                for (int pair = t; pair < QS_TILE_PRODUCTS / 2; pair += QS_THREADS) {
                    const int one = ((pair & -bit) << 1) | (pair & (bit - 1)), other = one | bit;
                    const double sum = shared[one] + shared[other];
                    shared[other] = shared[one] - shared[other];
                    shared[one] = sum;
                }
            }
        }
        QS_BARRIER();
        QS_EACH_THREAD(t, QS_THREADS) {
            if (t < count) {
                const Index z = masks[t].z;
                QS_OWN(total, t) += with_sign(shared[z & (QS_TILE_PRODUCTS - 1)], begin & z);
            }
        }
        QS_BARRIER();
    }
    QS_EACH_THREAD(t, QS_THREADS) {
        if (t < count) out[t] = QS_OWN(total, t);
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

// A string: it takes |i> with i & fixed == values to (-1)^|i & z| |i ^ x>.
struct StringTerm {
    Index x, z, fixed, values;
};

// state[size + i] is the sum of terms at index i, each times its factor (real and imaginary part),
// applied to the first `size` amplitudes; with `more`, it is added to what is there. Terms of one x
// that follow each other share an amplitude.
template <class Real>
QS_DEVICE void add_strings(Word block, Word grid, Complex<Real>* state, Index size,
                           const StringTerm* terms, const double* factors, Index count,
                           Index more) {
    QS_EACH_THREAD(t, QS_THREADS) {
        for (Index i = block * Index(QS_THREADS) + t; i < size; i += Index(grid) * QS_THREADS) {
            Index at = i;
            Complex<Real> a = state[i];
            double re = 0, im = 0;
            QS_KEEP_LOOP
            for (Index k = 0; k < count; ++k) {
                const Index from = i ^ terms[k].x;
                if ((from & terms[k].fixed) != terms[k].values) continue;
                if (from != at) {
                    at = from;
                    a = state[from];
                }
                const double c = with_sign(factors[2 * k], from & terms[k].z);
                const double s = with_sign(factors[2 * k + 1], from & terms[k].z);
                re = qs_fma(c, double(a.re), qs_fma(-s, double(a.im), re));
                im = qs_fma(c, double(a.im), qs_fma(s, double(a.re), im));
            }
            Complex<Real> sum = {Real(re), Real(im)};
            if (more) {
                sum.re += state[size + i].re;
                sum.im += state[size + i].im;
            }
            state[size + i] = sum;
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
