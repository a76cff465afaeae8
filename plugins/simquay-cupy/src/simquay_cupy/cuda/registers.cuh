// Gates on the amplitudes that one thread holds in registers.
//
// A thread holds N = 2**R amplitudes; bit p of their index is register bit p. Every index below is
// a constant after unrolling, so that the array stays in registers. Matrices are read through
// `m`, which points into constant memory: the entries are the same for all threads.
//
// With CONDITION, a gate acts only where `active` holds for the thread and, for the register bits,
// `index & mask == value`; the mask holds none of the gate's own bits. The result is selected, not
// branched on, so that the matrix can stay in uniform registers.
#pragma once

#include "platform.cuh"

struct Where {
    bool active;
    int mask, value;
};

template <bool CONDITION>
QS_DEVICE bool applies(const Where& where, int index) {
    return !CONDITION || (where.active && (index & where.mask) == where.value);
}

template <bool CONDITION, class Real>
QS_DEVICE void put(Complex<Real>& target, const Complex<Real>& value, bool keep) {
    if (CONDITION) {
        target.re = keep ? value.re : target.re;
        target.im = keep ? value.im : target.im;
    } else {
        target = value;
    }
}

template <class Real>
QS_DEVICE Complex<Real> product(const Complex<Real>& a, const Complex<Real>& b) {
    Complex<Real> c;
    c.re = qs_fma(-a.im, b.im, a.re * b.re);
    c.im = qs_fma(a.im, b.re, a.re * b.im);
    return c;
}

template <class Real>
QS_DEVICE Complex<Real> add_product(const Complex<Real>& sum, const Complex<Real>& a,
                                    const Complex<Real>& b) {
    Complex<Real> c;
    c.re = qs_fma(-a.im, b.im, qs_fma(a.re, b.re, sum.re));
    c.im = qs_fma(a.im, b.re, qs_fma(a.re, b.im, sum.im));
    return c;
}

// The register index whose bits at B0 < B1 < B2 are those of `inside` and whose others are `group`.
template <int B0>
QS_DEVICE constexpr int spread1(int group, int inside) {
    return ((group >> B0) << (B0 + 1)) | (group & ((1 << B0) - 1)) | (inside << B0);
}
template <int B0, int B1>
QS_DEVICE constexpr int spread2(int group, int inside) {
    return spread1<B1>(spread1<B0>(group & ((1 << (B1 - 1)) - 1), inside & 1) |
                           ((group >> (B1 - 1)) << B1),
                       inside >> 1);
}
template <int B0, int B1, int B2>
QS_DEVICE constexpr int spread3(int group, int inside) {
    return spread1<B2>(spread2<B0, B1>(group & ((1 << (B2 - 2)) - 1), inside & 3) |
                           ((group >> (B2 - 2)) << B2),
                       inside >> 2);
}

template <int K, int B0, int B1, int B2>
QS_DEVICE constexpr int spread(int group, int inside) {
    return K == 1   ? spread1<B0>(group, inside)
           : K == 2 ? spread2<B0, (K >= 2 ? B1 : B0 + 1)>(group, inside)
                    : spread3<B0, (K >= 2 ? B1 : B0 + 1), (K >= 3 ? B2 : B0 + 2)>(group, inside);
}

// A dense matrix of 2**K rows. REAL: m holds 4**K reals, else 4**K (re, im) pairs, row-major.
template <bool CONDITION, bool REAL, int K, int B0, int B1, int B2, int R, class Real>
QS_DEVICE void dense(Complex<Real> (&a)[1 << R], const Real* m, const Where& where) {
    constexpr int SIZE = 1 << K;
    QS_UNROLL
    for (int group = 0; group < (1 << (R - K)); ++group) {
        Complex<Real> y[SIZE];
        QS_UNROLL
        for (int row = 0; row < SIZE; ++row) {
            Real re = Real(0), im = Real(0);
            QS_UNROLL
            for (int column = 0; column < SIZE; ++column) {
                const Complex<Real>& x = a[spread<K, B0, B1, B2>(group, column)];
                if (REAL) {
                    const Real c = m[row * SIZE + column];
                    re = column == 0 ? c * x.re : qs_fma(c, x.re, re);
                    im = column == 0 ? c * x.im : qs_fma(c, x.im, im);
                } else {
                    const Complex<Real> entry = fetch(m, row * SIZE + column);
                    const Real c = entry.re, s = entry.im;
                    re = column == 0 ? c * x.re : qs_fma(c, x.re, re);
                    im = column == 0 ? c * x.im : qs_fma(c, x.im, im);
                    re = qs_fma(-s, x.im, re);
                    im = qs_fma(s, x.re, im);
                }
            }
            y[row].re = re;
            y[row].im = im;
        }
        const bool keep = applies<CONDITION>(where, spread<K, B0, B1, B2>(group, 0));
        QS_UNROLL
        for (int row = 0; row < SIZE; ++row) {
            put<CONDITION>(a[spread<K, B0, B1, B2>(group, row)], y[row], keep);
        }
    }
}

// One of two matrices on register bit B0: the first where the condition holds, the second elsewhere.
template <int B0, int R, class Real>
QS_DEVICE void multiplex(Complex<Real> (&a)[1 << R], const Real* m, const Where& where) {
    Complex<Real> chosen[4];
    QS_UNROLL
    for (int group = 0; group < (1 << (R - 1)); ++group) {
        if (group == 0 || where.mask) {  // else it is the same matrix for all of the thread
            // The address is chosen, not the value: one matrix in registers is enough.
            const int start = applies<true>(where, spread1<B0>(group, 0)) ? 0 : 4;
            QS_UNROLL
            for (int k = 0; k < 4; ++k) chosen[k] = fetch(m, start + k);
        }
        Complex<Real>& p = a[spread1<B0>(group, 0)];
        Complex<Real>& q = a[spread1<B0>(group, 1)];
        const Complex<Real> x = add_product(product(chosen[0], p), chosen[1], q);
        q = add_product(product(chosen[2], p), chosen[3], q);
        p = x;
    }
}

// [[m0, i m1], [i m2, m3]], as RX has.
template <int B0, int R, class Real>
QS_DEVICE void rx_like(Complex<Real> (&a)[1 << R], const Real* m) {
    QS_UNROLL
    for (int group = 0; group < (1 << (R - 1)); ++group) {
        Complex<Real>& p = a[spread1<B0>(group, 0)];
        Complex<Real>& q = a[spread1<B0>(group, 1)];
        Complex<Real> x, y;
        x.re = qs_fma(-m[1], q.im, m[0] * p.re);
        x.im = qs_fma(m[1], q.re, m[0] * p.im);
        y.re = qs_fma(-m[2], p.im, m[3] * q.re);
        y.im = qs_fma(m[2], p.re, m[3] * q.im);
        p = x;
        q = y;
    }
}

// [[1, m0], [m1, 1]], and [[1, i m0], [i m1, 1]] where RX_LIKE: a rotation without its common factor,
// which the program multiplies in later, once for many. One FMA a component instead of two.
template <bool RX_LIKE, int B0, int R, class Real>
QS_DEVICE void rotate(Complex<Real> (&a)[1 << R], const Real* m) {
    QS_UNROLL
    for (int group = 0; group < (1 << (R - 1)); ++group) {
        Complex<Real>& p = a[spread1<B0>(group, 0)];
        Complex<Real>& q = a[spread1<B0>(group, 1)];
        const Complex<Real> x = p;
        p.re = qs_fma(RX_LIKE ? -m[0] : m[0], RX_LIKE ? q.im : q.re, p.re);
        p.im = qs_fma(m[0], RX_LIKE ? q.re : q.im, p.im);
        q.re = qs_fma(RX_LIKE ? -m[1] : m[1], RX_LIKE ? x.im : x.re, q.re);
        q.im = qs_fma(m[1], RX_LIKE ? x.re : x.im, q.im);
    }
}

// [[1, 1], [1, -1]]: Hadamard without its factor, multiplied in later as above.
template <int B0, int R, class Real>
QS_DEVICE void sum_difference(Complex<Real> (&a)[1 << R]) {
    QS_UNROLL
    for (int group = 0; group < (1 << (R - 1)); ++group) {
        Complex<Real>& p = a[spread1<B0>(group, 0)];
        Complex<Real>& q = a[spread1<B0>(group, 1)];
        const Complex<Real> x = p;
        p.re = x.re + q.re;
        p.im = x.im + q.im;
        q.re = x.re - q.re;
        q.im = x.im - q.im;
    }
}

template <class Real>
QS_DEVICE void exchange(Complex<Real>& p, Complex<Real>& q, bool keep) {
    const Complex<Real> x = p;
    put<true>(p, q, keep);
    put<true>(q, x, keep);
}

// X on register bit B0, where the condition holds; it looks at the register index only if WHERE.
template <bool WHERE, int B0, int R, class Real>
QS_DEVICE void flip(Complex<Real> (&a)[1 << R], const Where& where) {
    QS_UNROLL
    for (int group = 0; group < (1 << (R - 1)); ++group) {
        const int index = spread1<B0>(group, 0);
        const bool keep = where.active && (!WHERE || (index & where.mask) == where.value);
        exchange(a[index], a[spread1<B0>(group, 1)], keep);
    }
}

// X on register bit TARGET where register bit CONTROL is 1. `always` is true, which the compiler
// cannot know: else it gives the amplitudes new registers here, and moves all of them back later.
template <int CONTROL, int TARGET, int R, class Real>
QS_DEVICE void flip_controlled(Complex<Real> (&a)[1 << R], bool always) {
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        if ((r >> CONTROL & 1) && !(r >> TARGET & 1)) exchange(a[r], a[r | 1 << TARGET], always);
    }
}

template <int R, class Real>
QS_DEVICE void scale(Complex<Real> (&a)[1 << R], Real factor) {
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        a[r].re *= factor;
        a[r].im *= factor;
    }
}

// Multiplies the amplitudes whose register bits include all of SUBSET.
template <int SUBSET, int R, class Real>
QS_DEVICE void multiply_subset(Complex<Real> (&a)[1 << R], const Complex<Real>& factor) {
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        if ((r & SUBSET) == SUBSET) a[r] = product(factor, a[r]);
    }
}

template <int R, class Real>
QS_DEVICE void multiply_where(Complex<Real> (&a)[1 << R], int subset,
                              const Complex<Real>& factor) {
#define QS_CASE(S)                                                   \
    case S:                                                          \
        if (S < (1 << R)) multiply_subset<(S < (1 << R) ? S : 0), R>(a, factor); \
        break;
    switch (subset) {
        QS_CASE(0)
        QS_CASE(1)
        QS_CASE(2)
        QS_CASE(3)
        QS_CASE(4)
        QS_CASE(5)
        QS_CASE(6)
        QS_CASE(7)
        QS_CASE(8)
        QS_CASE(9)
        QS_CASE(10)
        QS_CASE(11)
        QS_CASE(12)
        QS_CASE(13)
        QS_CASE(14)
        QS_CASE(15)
    }
#undef QS_CASE
}
