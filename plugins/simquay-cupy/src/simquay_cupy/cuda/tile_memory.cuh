// Loading and storing a thread's amplitudes: words of the program, addresses in global memory, slots
// in shared memory.
#pragma once

#include "registers.cuh"

template <class Real, int R>
struct Registers {
    Complex<Real> a[1 << R];
    Word slot;  // of register index 0, in bytes
};

// A word of the program. Positions are plain integers and no pointers: the compiler then sees that
// they are the same for all threads, and keeps what it reads there in uniform registers.
QS_DEVICE Word word(int position) { return reinterpret_cast<const Word*>(qs_program)[position]; }

// XOR of the COUNT columns at `columns` whose bit is set in the register index `bits`, a constant.
template <int COUNT>
QS_DEVICE Word combine(int columns, int bits) {
    Word value = 0;
    QS_UNROLL
    for (int k = 0; k < COUNT; ++k) value ^= bits >> k & 1 ? word(columns + k) : 0;
    return value;
}

// Likewise for the bits of a thread.
template <int COUNT>
QS_DEVICE Word combine_thread(int columns, int t) {
    Word value = 0;
    QS_UNROLL
    for (int k = 0; k < COUNT; ++k) {
        value = qs_xor_if(value, static_cast<Word>(t) & 1u << k, word(columns + k));
    }
    return value;
}

// Two words at an even position.
QS_DEVICE Index two_words(int position) {
    return *reinterpret_cast<const Index*>(reinterpret_cast<const Word*>(qs_program) + position);
}

// The addresses of a thread's amplitudes, in bytes from the vector's begin: of the first one, and the
// distance for each register bit.
template <int R>
struct Places {
    Index first, step[R];

    QS_DEVICE void fill(Index (&at)[1 << R]) const {  // each by one addition to another
        at[0] = first;
        QS_UNROLL
        for (int r = 1; r < (1 << R); ++r) {
            const int p = (r & 1) ? 0 : (r & 2) ? 1 : (r & 4) ? 2 : 3;  // the lowest bit of r
            at[r] = at[r & (r - 1)] + step[p < R ? p : 0];
        }
    }
};

template <int T, int R>
QS_DEVICE Places<R> places_of(Index base, int t, int map) {
    Places<R> places;
    places.first = base;
    QS_UNROLL
    for (int k = 0; k < T - R; ++k) {
        const Index further = two_words(map + 2 * k);  // not under the condition: it is uniform
        places.first |= static_cast<Word>(t) & 1u << k ? further : 0ull;
    }
    QS_UNROLL
    for (int p = 0; p < R; ++p) places.step[p] = two_words(map + 2 * (T - R + p));
    return places;
}

template <class Real, int T, int R>
QS_DEVICE void load(Registers<Real, R>& own, const Complex<Real>* tile, Index base, int t,
                    int map, bool partial, Word before) {
    const unsigned char* bytes = reinterpret_cast<const unsigned char*>(tile);
    const Places<R> places = places_of<T, R>(base, t, map);
    Index at[1 << R];
    places.fill(at);
    if (!partial) {
        QS_UNROLL
        for (int r = 0; r < (1 << R); ++r) {
            QS_READS_STATE(bytes + at[r], t);
            own.a[r] = *reinterpret_cast<const Complex<Real>*>(bytes + at[r]);
        }
        return;
    }
    // Amplitudes with a bit from `before` on are 0, and are not read.
    const Word limit = before + (sizeof(Complex<Real>) == 8 ? 3 : 4);
    const bool low = (places.first >> limit) == 0;
    Word high = 0;
    QS_UNROLL
    for (int p = 0; p < R; ++p) high |= (places.step[p] >> limit) != 0 ? 1u << p : 0u;
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        own.a[r].re = Real(0);
        own.a[r].im = Real(0);
        if (low && (high & r) == 0) {
            QS_READS_STATE(bytes + at[r], t);
            own.a[r] = *reinterpret_cast<const Complex<Real>*>(bytes + at[r]);
        }
    }
}

template <class Real, int T, int R>
QS_DEVICE void store(const Registers<Real, R>& own, Complex<Real>* tile, Index base, int t,
                     int map) {
    unsigned char* bytes = reinterpret_cast<unsigned char*>(tile);
    Index at[1 << R];
    places_of<T, R>(base, t, map).fill(at);
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        QS_WRITES_STATE(bytes + at[r], t);
        *reinterpret_cast<Complex<Real>*>(bytes + at[r]) = own.a[r];
    }
}

template <class Real>
QS_DEVICE Complex<Real> get(const unsigned char* slots, Word byte, int t) {
    QS_READS(byte, t);
    return *reinterpret_cast<const Complex<Real>*>(slots + byte);
}

template <class Real>
QS_DEVICE void set(unsigned char* slots, Word byte, int t, const Complex<Real>& value) {
    QS_WRITES(byte, t);
    *reinterpret_cast<Complex<Real>*>(slots + byte) = value;
}

template <class Real, int T, int R>
QS_DEVICE void write_slots(const Registers<Real, R>& own, unsigned char* slots, int t,
                           int columns) {
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        set(slots, own.slot ^ combine<R>(columns + T - R, r), t, own.a[r]);
    }
}

template <class Real, int T, int R>
QS_DEVICE void read_slots(Registers<Real, R>& own, unsigned char* slots, int t, int columns) {
    own.slot = combine_thread<T - R>(columns, t);
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        own.a[r] = get<Real>(slots, own.slot ^ combine<R>(columns + T - R, r), t);
    }
}
