// Diagonals as polynomials in the bits: see phases.py.
#pragma once

#include "tile_memory.cuh"

// A form is a constant plus a sum over outer bits; there is one value of it in a tile.
template <class Angle>
QS_DEVICE void evaluate_form(Angle* values, int form, const int* starts, int forms,
                             const Angle* angles, Word number) {
    const Word* masks = reinterpret_cast<const Word*>(starts + forms + 1);
    Angle sum = 0;
    for (int i = starts[form]; i < starts[form + 1]; ++i) {
        if ((number & masks[i]) == masks[i]) sum += angles[i];
    }
    values[form] = sum;
}

QS_DEVICE unsigned int angle_at(int position, unsigned int) { return word(position); }
QS_DEVICE unsigned long long angle_at(int position, unsigned long long) {
    return word(position) | static_cast<unsigned long long>(word(position + 1)) << 32;
}

// A thread's factor, of `terms` terms and perhaps a table over threads; `at` is moved behind them.
// A term is a mask on the thread, with the number of a form above it, and an angle.
template <class Angle>
QS_DEVICE Angle thread_angle(int t, int& at, const Angle* forms, const Angle* angles) {
    const int terms = static_cast<int>(word(at)), table = static_cast<int>(word(at + 1));
    at += 2;
    Angle angle = 0;
    if (table) angle = angles[table - 1 + t];
    QS_KEEP_LOOP
    for (int term = 0; term < terms; ++term) {
        const Word mask = word(at) & 0xffffu;
        const Word form = word(at) >> 16;
        Angle value = angle_at(at + 1, Angle());
        if (form) value += forms[form - 1];
        angle += (static_cast<Word>(t) & mask) == mask ? value : Angle(0);
        at += 1 + sizeof(Angle) / sizeof(Word);
    }
    return angle;
}

// exp(i angle) of the thread: looked up where it is the same in every tile, which the highest bit of
// the table's word says.
template <class Real, class Angle>
QS_DEVICE Complex<Real> thread_factor(int t, int& at, const Angle* forms, const Angle* angles,
                                      const Complex<Real>* tables) {
    const Word table = word(at + 1);
    if (table >> 31) {
        at += 2;
        return tables[(table & 0x7fffffffu) + t];
    }
    return unit_phase(thread_angle(t, at, forms, angles));
}

// Phases that are polynomials in the bits: for each subset of the register bits, the thread's sum
// of angles, and one factor for the amplitudes that have these bits set.
template <class Real, int R>
QS_DEVICE void phase(Complex<Real> (&a)[1 << R], int t, int at,
                     const typename Turns<Real>::Type* forms,
                     const typename Turns<Real>::Type* angles, const Complex<Real>* tables) {
    const int groups = static_cast<int>(word(at++));
    QS_KEEP_LOOP
    for (int group = 0; group < groups; ++group) {
        const int subset = static_cast<int>(word(at++));
        const Complex<Real> factor = thread_factor(t, at, forms, angles, tables);
        multiply_where<R>(a, subset, factor);
    }
}

// Phases with all of the register bits involved: one angle a thread for no bit and one for each,
// and the same factor for all threads for pairs of bits, where `pairs` says so. The factors of all
// register indices are built up bit by bit: fewer products than one subset after the other. The
// top bit's half takes the place of the lower half's, once that is used.
template <int BIT, int R, class Real, class Angle>
QS_DEVICE void grow_tree(Complex<Real> (&a)[1 << R], Complex<Real> (&factor)[1 << (R - 1)], int t,
                         int& at, Word pairs, const Real* pair, const Angle* forms,
                         const Angle* angles) {
    constexpr bool TOP = BIT == R - 1;
    constexpr int HALF = 1 << BIT, TARGET = TOP ? 0 : HALF;
    const Complex<Real> own = unit_phase(thread_angle(t, at, forms, angles));
    QS_UNROLL
    for (int k = 0; k < HALF; ++k) {
        if (TOP) a[k] = product(factor[k], a[k]);
        factor[k | TARGET] = product(own, factor[k]);
    }
    QS_UNROLL
    for (int low = 0; low < BIT; ++low) {
        const int number = BIT * (BIT - 1) / 2 + low;
        if (pairs >> number & 1) {
            const Complex<Real> both = fetch(pair, number);
            QS_UNROLL
            for (int k = 0; k < HALF; ++k) {
                if (k >> low & 1) factor[k | TARGET] = product(both, factor[k | TARGET]);
            }
        }
    }
    if (TOP) {
        QS_UNROLL
        for (int k = 0; k < HALF; ++k) a[k | HALF] = product(factor[k], a[k | HALF]);
    }
}

template <class Real, int R>
QS_DEVICE void phase_tree(Complex<Real> (&a)[1 << R], int t, int at, const Real* pair,
                          const typename Turns<Real>::Type* forms,
                          const typename Turns<Real>::Type* angles) {
    const Word pairs = word(at++);
    Complex<Real> factor[1 << (R - 1)];
    factor[0] = unit_phase(thread_angle(t, at, forms, angles));
    grow_tree<0, R>(a, factor, t, at, pairs, pair, forms, angles);
    grow_tree<1, R>(a, factor, t, at, pairs, pair, forms, angles);
    grow_tree<2, R>(a, factor, t, at, pairs, pair, forms, angles);
    if (R > 3) grow_tree<(R > 3 ? 3 : 0), R>(a, factor, t, at, pairs, pair, forms, angles);
}
