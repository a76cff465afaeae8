// The tile interpreter: one block loads a tile of 2**T amplitudes, runs a program on it, and writes
// it back. Source of the method: Haener and Steiger, "0.5 Petabyte Simulation of a 45-Qubit Quantum
// Circuit" (SC17), for working on cache-sized parts; here the parts live in registers.
//
// A thread holds the 2**R amplitudes that differ in R of the tile's bits, the register bits of the
// round. Between rounds the amplitudes go through shared memory, so that other bits become the
// register bits. A thread writes to the slots that it read last and that nobody else reads, so one
// barrier an exchange is enough. The host chooses slots and thread order so that a warp's accesses
// hit all banks evenly, and that global accesses are contiguous.
#pragma once

#include "opcodes.cuh"
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

// Where a thread's amplitudes are, in bytes from the vector's begin: the first, and how much further
// those are whose register bit is set.
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
            own.a[r] = *reinterpret_cast<const Complex<Real>*>(bytes + at[r]);
        }
        return;
    }
    // What has a bit from `before` on is 0, and is not read.
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

// A rotation on every register bit, each without its factor; see `rotate`.
template <bool CROSS, int R, class Real>
QS_DEVICE void rotate_all(Complex<Real> (&a)[1 << R], const Real* m) {
    rotate<CROSS, 0, R>(a, m);
    rotate<CROSS, 1, R>(a, m + 2);
    rotate<CROSS, 2, R>(a, m + 4);
    if (R > 3) rotate<CROSS, (R > 3 ? 3 : 0), R>(a, m + 6);
}

// A diagonal as a table over any bits of the tile and of its number: for what is no short polynomial.
// The factors wait in the thread's own slots, so that this is a loop and takes few registers.
template <class Real, int T, int R>
QS_DEVICE void diagonal(Registers<Real, R>& own, unsigned char* slots, int t, Word number, int at,
                        int columns, const Where& where, const Complex<Real>* tables) {
    const int k = static_cast<int>(word(at)), m = static_cast<int>(word(at + 1));
    const Complex<Real>* table = tables + word(at + 2);
    const int positions = at + 3, outer = positions + k;
    Word high = 0;
    QS_KEEP_LOOP
    for (int j = 0; j < m; ++j) high |= (number >> word(outer + j) & 1u) << (k + j);
    QS_KEEP_LOOP
    for (int r = 0; r < (1 << R); ++r) {
        const Word place = static_cast<Word>(t) | static_cast<Word>(r) << (T - R);
        Word entry = high;
        QS_KEEP_LOOP
        for (int j = 0; j < k; ++j) entry |= (place >> word(positions + j) & 1u) << j;
        Complex<Real> factor = {Real(1), Real(0)};
        if (applies<true>(where, r)) factor = table[entry];
        set(slots, own.slot ^ combine<R>(columns + T - R, r), t, factor);
    }
    QS_UNROLL
    for (int r = 0; r < (1 << R); ++r) {
        const Word byte = own.slot ^ combine<R>(columns + T - R, r);
        own.a[r] = product(get<Real>(slots, byte, t), own.a[r]);
    }
}

// Rows with `entries` coefficients each, of a matrix over k bits anywhere in the tile, read from
// shared memory: wide matrices, permutations, preparations. General, and slow.
template <class Real, int T, int R>
QS_DEVICE void gather(Registers<Real, R>& own, unsigned char* slots, int t, int at,
                      int columns, const Where& where, const Complex<Real>* tables,
                      const int* ints) {
    const int k = static_cast<int>(word(at)), entries = static_cast<int>(word(at + 1));
    const int* sources = ints + word(at + 2);
    const Complex<Real>* table = tables + word(at + 3);
    const int bits = at + 4, positions = bits + k;
    QS_KEEP_LOOP
    for (int r = 0; r < (1 << R); ++r) {
        const Word place = static_cast<Word>(t) | static_cast<Word>(r) << (T - R);
        Word base = own.slot ^ combine<R>(columns + T - R, r);
        Word row = 0;
        QS_KEEP_LOOP
        for (int j = 0; j < k; ++j) {
            const Word set = place >> word(positions + j) & 1u;
            row |= set << j;
            base ^= word(bits + j) & (0u - set);
        }
        Complex<Real> sum = {Real(0), Real(0)};
        QS_KEEP_LOOP
        for (int entry = 0; entry < entries; ++entry) {
            const Index cell = static_cast<Index>(row) * entries + entry;
            const Word source = static_cast<Word>(sources[cell]);
            Word slot = base;
            QS_KEEP_LOOP
            for (int j = 0; j < k; ++j) slot ^= word(bits + j) & (0u - (source >> j & 1u));
            const Complex<Real> term = product(table[cell], get<Real>(slots, slot, t));
            sum.re += term.re;
            sum.im += term.im;
        }
        const bool keep = applies<true>(where, r);
        QS_UNROLL
        for (int i = 0; i < (1 << R); ++i) put<true>(own.a[i], sum, keep && i == r);
    }
}

#define QS_AT4(NAME, CALL)                       \
    case NAME + 0: { constexpr int B = 0; CALL; } break; \
    case NAME + 1: { constexpr int B = 1; CALL; } break; \
    case NAME + 2: { constexpr int B = 2; CALL; } break; \
    case NAME + 3: { constexpr int B = R > 3 ? 3 : 0; CALL; } break;
#define QS_AT_PAIRS(NAME, CALL)                                             \
    case NAME + 0: { constexpr int B = 0, C = 1; CALL; } break;             \
    case NAME + 1: { constexpr int B = 0, C = 2; CALL; } break;             \
    case NAME + 2: { constexpr int B = 1, C = 2; CALL; } break;             \
    case NAME + 3: { constexpr int B = 0, C = R > 3 ? 3 : 1; CALL; } break; \
    case NAME + 4: { constexpr int B = R > 3 ? 1 : 0, C = R > 3 ? 3 : 1; CALL; } break; \
    case NAME + 5: { constexpr int B = R > 3 ? 2 : 0, C = R > 3 ? 3 : 1; CALL; } break;
#define QS_AT_TRIPLES(NAME, CALL)                                                         \
    case NAME + 0: { constexpr int B = 0, C = 1, D = 2; CALL; } break;                    \
    case NAME + 1: { constexpr int B = 0, C = 1, D = R > 3 ? 3 : 2; CALL; } break;        \
    case NAME + 2: { constexpr int B = 0, C = R > 3 ? 2 : 1, D = R > 3 ? 3 : 2; CALL; } break; \
    case NAME + 3: { constexpr int B = R > 3 ? 1 : 0, C = R > 3 ? 2 : 1, D = R > 3 ? 3 : 2; CALL; } break;

// One instruction on a thread's registers. Positions that a thread with few register bits does not
// have are never asked for; their cases only have to compile.
//
// `nothing` is 0, which the compiler cannot know: it keeps the 128 numbers of a three-qubit matrix,
// which are more than there are uniform registers, out of them. With that matrix among the
// candidates, nvcc 13.0 gives up uniform registers in the whole kernel.
template <int R, class Real>
QS_DEVICE void on_registers(int opcode, Complex<Real> (&a)[1 << R], const Real* m, Word nothing) {
    const Where always = {true, 0, 0};
    switch (opcode) {
        QS_AT4(QS_DENSE1, (dense<false, false, 1, B, 0, 0, R>(a, m, always)))
        QS_AT4(QS_DENSE1_REAL, (dense<false, true, 1, B, 0, 0, R>(a, m, always)))
        QS_AT4(QS_CROSS, (cross<B, R>(a, m)))
        QS_AT_PAIRS(QS_DENSE2_REAL, (dense<false, true, 2, B, C, 0, R>(a, m, always)))
        QS_AT_TRIPLES(QS_DENSE3, (dense<false, false, 3, B, C, D, R>(a, m + nothing, always)))
    }
}

// The most frequent ones have a short way to them.
template <int R, class Real>
QS_DEVICE void on_two_registers(int opcode, Complex<Real> (&a)[1 << R], const Real* m) {
    const Where always = {true, 0, 0};
    switch (opcode) {
        QS_AT_PAIRS(QS_DENSE2, (dense<false, false, 2, B, C, 0, R>(a, m, always)))
    }
}

// Likewise, where a condition on the thread and the register index holds.
template <int R, class Real>
QS_DEVICE void on_registers_where(int opcode, Complex<Real> (&a)[1 << R], const Real* m,
                                  const Where& where) {
    switch (opcode) {
        QS_AT4(QS_DENSE1, (multiplex<B, R>(a, m, where)))
        QS_AT_PAIRS(QS_DENSE2, (dense<true, false, 2, B, C, 0, R>(a, m, where)))
        QS_AT4(QS_FLIP, (flip<false, B, R>(a, where)))
        QS_AT4(QS_FLIP_WHERE, (flip<true, B, R>(a, where)))
    }
}

template <int R, class Real>
QS_DEVICE void on_registers_unscaled(int opcode, Complex<Real> (&a)[1 << R], const Real* m,
                                    Word nothing) {
    switch (opcode) {
        QS_AT4(QS_ROTATE, (rotate<false, B, R>(a, m)))
        QS_AT4(QS_ROTATE_CROSS, (rotate<true, B, R>(a, m)))
        QS_AT4(QS_SUM_DIFFERENCE, (sum_difference<B, R>(a)))
        QS_AT_PAIRS(QS_CX, (flip_controlled<B, C, R>(a, nothing == 0)))
        QS_AT_PAIRS(QS_CX + 6, (flip_controlled<C, B, R>(a, nothing == 0)))
        case QS_ROTATE_ALL:
            rotate_all<false, R>(a, m);
            break;
        case QS_ROTATE_CROSS_ALL:
            rotate_all<true, R>(a, m);
            break;
        case QS_SCALE:
            scale<R>(a, m[0]);
            break;
        case QS_REGISTER_TABLE:
            QS_UNROLL
            for (int r = 0; r < (1 << R); ++r) {
                a[r] = product(fetch(m, r), a[r]);
            }
            break;
    }
}

// `shared` holds 2**T amplitudes, and behind them one angle for each form of the program.
template <class Real, int T, int R>
QS_DEVICE void tile_pass(unsigned char* shared, Word number, Complex<Real>* tile, Word program,
                         const Complex<Real>* tables, const int* ints,
                         const typename Turns<Real>::Type* angles) {
    typedef typename Turns<Real>::Type Angle;
    constexpr int THREADS = 1 << (T - R);
    const int begin = static_cast<int>(program) * 4;
    const Real* reals = reinterpret_cast<const Real*>(qs_program + program);
    unsigned char* slots = shared;
    Angle* forms = reinterpret_cast<Angle*>(shared + (sizeof(Complex<Real>) << T));
    typedef Registers<Real, R> Own;
    QS_PRIVATE(Own, own, THREADS);

    const int rounds = static_cast<int>(word(begin));
    const int form_count = static_cast<int>(word(begin + 2));
    const int runs = static_cast<int>(word(begin + 5));
    Index base = 0;
    for (int run = 0; run < runs; ++run) {
        base |= static_cast<Index>(number & word(begin + QS_HEADER + 2 * run))
                << word(begin + QS_HEADER + 2 * run + 1);
    }
    const int load_map = begin + QS_HEADER + 2 * runs;
    const int store_map = load_map + 2 * T;
    int columns = store_map + 2 * T;

    QS_EACH_THREAD(t, THREADS) {
        load<Real, T, R>(QS_OWN(own, t), tile, base, t, load_map, word(begin + 6) != 0, word(begin + 1));
        QS_OWN(own, t).slot = combine_thread<T - R>(columns, t);
        for (int form = t; form < form_count; form += THREADS) {
            evaluate_form(forms, form, ints + word(begin + 3), form_count, angles + word(begin + 4), number);
        }
    }
    if (form_count) QS_BARRIER();

    QS_KEEP_LOOP
    for (int round = 0; round < rounds; ++round) {
        if (round) QS_EACH_THREAD(t, THREADS) read_slots<Real, T, R>(QS_OWN(own, t), slots, t, columns);
        int op = columns + T + 1;
        const int count = static_cast<int>(word(op - 1));
        QS_KEEP_LOOP
        for (int i = 0; i < count; ++i, op += word(op + 1)) {
            const int opcode = static_cast<int>(word(op));
            const Real* m = reals + static_cast<int>(word(op + 2));
            if ((number & word(op + 3)) != word(op + 4)) continue;
            if (opcode < QS_DENSE1) {
                QS_EACH_THREAD(t, THREADS) on_two_registers<R>(opcode, QS_OWN(own, t).a, m);
            } else if (opcode < QS_UNSCALED) {
                QS_EACH_THREAD(t, THREADS) {
                    on_registers<R>(opcode, QS_OWN(own, t).a, m, QS_OWN(own, t).slot >> 20);
                }
            } else if (opcode < QS_PHASE) {
                QS_EACH_THREAD(t, THREADS) {
                    on_registers_unscaled<R>(opcode, QS_OWN(own, t).a, m, QS_OWN(own, t).slot >> 20);
                }
            } else if (opcode >= QS_CONDITIONAL) {
                QS_EACH_THREAD(t, THREADS) {
                    const Where where = {(static_cast<Word>(t) & word(op + 5)) == word(op + 6),
                                         static_cast<int>(word(op + 7)), static_cast<int>(word(op + 8))};
                    on_registers_where<R>(opcode - QS_CONDITIONAL, QS_OWN(own, t).a, m, where);
                }
            } else if (opcode == QS_PHASE_TREE) {
                QS_EACH_THREAD(t, THREADS) {
                    phase_tree<Real, R>(QS_OWN(own, t).a, t, op + QS_OPERANDS, m, forms, angles);
                }
            } else if (opcode == QS_PHASE) {
                QS_EACH_THREAD(t, THREADS) {
                    phase<Real, R>(QS_OWN(own, t).a, t, op + QS_OPERANDS, forms, angles, tables);
                }
            } else if (opcode == QS_DIAGONAL) {
                QS_EACH_THREAD(t, THREADS) {
                    const Where where = {(static_cast<Word>(t) & word(op + 5)) == word(op + 6),
                                         static_cast<int>(word(op + 7)), static_cast<int>(word(op + 8))};
                    diagonal<Real, T, R>(QS_OWN(own, t), slots, t, number, op + QS_OPERANDS,
                                         columns, where, tables);
                }
            } else {
                QS_EACH_THREAD(t, THREADS) write_slots<Real, T, R>(QS_OWN(own, t), slots, t, columns);
                QS_BARRIER();
                QS_EACH_THREAD(t, THREADS) {
                    const Where where = {(static_cast<Word>(t) & word(op + 5)) == word(op + 6),
                                         static_cast<int>(word(op + 7)), static_cast<int>(word(op + 8))};
                    gather<Real, T, R>(QS_OWN(own, t), slots, t, op + QS_OPERANDS, columns, where,
                                       tables, ints);
                }
                QS_BARRIER();
            }
        }
        if (round + 1 < rounds) {
            QS_EACH_THREAD(t, THREADS) write_slots<Real, T, R>(QS_OWN(own, t), slots, t, columns);
            QS_BARRIER();
        }
        columns = op;
    }
    QS_EACH_THREAD(t, THREADS) store<Real, T, R>(QS_OWN(own, t), tile, base, t, store_map);
}
