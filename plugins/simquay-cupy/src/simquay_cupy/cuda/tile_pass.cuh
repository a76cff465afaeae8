// The tile interpreter: one block loads a tile of 2**T amplitudes, runs a program on it, and writes
// it back. Source of the method: Haener and Steiger, "0.5 Petabyte Simulation of a 45-Qubit Quantum
// Circuit" (SC17), for working on cache-sized parts; here the parts live in registers.
//
// A thread holds the 2**R amplitudes that differ in R of the tile's bits, the register bits of the
// round. Between rounds the amplitudes go through shared memory, so that other bits become the
// register bits. A thread writes to the slots that it read last and that nobody else reads, so one
// barrier an exchange is enough. A thread may store where others loaded: in a program without an
// exchange there is a barrier before that. The host chooses slots and thread order so that a warp's
// accesses hit all banks evenly, and that global accesses are contiguous.
#pragma once

#include "opcodes.cuh"
#include "phases.cuh"
#include "tile_memory.cuh"

// A rotation on every register bit, each without its factor; see `rotate`.
template <bool RX_LIKE, int R, class Real>
QS_DEVICE void rotate_all(Complex<Real> (&a)[1 << R], const Real* m) {
    rotate<RX_LIKE, 0, R>(a, m);
    rotate<RX_LIKE, 1, R>(a, m + 2);
    rotate<RX_LIKE, 2, R>(a, m + 4);
    if (R > 3) rotate<RX_LIKE, (R > 3 ? 3 : 0), R>(a, m + 6);
}

// A diagonal as a table over any bits of the tile and of its number, if it is no short polynomial.
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

// One instruction on a thread's registers. Cases for positions that a thread with few register
// bits does not have never run; they only have to compile.
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
        QS_AT4(QS_RX_LIKE, (rx_like<B, R>(a, m)))
        QS_AT_PAIRS(QS_DENSE2_REAL, (dense<false, true, 2, B, C, 0, R>(a, m, always)))
        QS_AT_TRIPLES(QS_DENSE3, (dense<false, false, 3, B, C, D, R>(a, m + nothing, always)))
    }
}

// The most frequent ones are tested first.
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
        QS_AT4(QS_ROTATE_RX, (rotate<true, B, R>(a, m)))
        QS_AT4(QS_SUM_DIFFERENCE, (sum_difference<B, R>(a)))
        QS_AT_PAIRS(QS_CX, (flip_controlled<B, C, R>(a, nothing == 0)))
        QS_AT_PAIRS(QS_CX + 6, (flip_controlled<C, B, R>(a, nothing == 0)))
        case QS_ROTATE_ALL:
            rotate_all<false, R>(a, m);
            break;
        case QS_ROTATE_RX_ALL:
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

// Where the condition of the instruction at `op` holds for thread t.
QS_DEVICE Where condition_of(int op, int t) {
    return {(static_cast<Word>(t) & word(op + 5)) == word(op + 6), static_cast<int>(word(op + 7)),
            static_cast<int>(word(op + 8))};
}

// Before sm_90, in double precision, the begin of the tile would be spilled until the tile is stored.
// There it is computed a second time, in a loop: of two unrolled computations the compiler would see
// that they are the same, and keep the result.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define QS_BEGIN_TWICE 1
#define QS_BEGIN_LOOP QS_KEEP_LOOP
#else
#define QS_BEGIN_TWICE 0
#define QS_BEGIN_LOOP
#endif

// The begin of tile `number`, in bytes from the vector's begin.
QS_DEVICE Index tile_begin(int program, Word number) {
    const int runs = static_cast<int>(word(program + 5));
    Index begin = 0;
    QS_BEGIN_LOOP
    for (int run = 0; run < runs; ++run) {
        begin |= static_cast<Index>(number & word(program + QS_HEADER + 2 * run))
                 << word(program + QS_HEADER + 2 * run + 1);
    }
    return begin;
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
    Index base = tile_begin(begin, number);
    const int load_map = begin + QS_HEADER + 2 * static_cast<int>(word(begin + 5));
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
                    const Where where = condition_of(op, t);
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
                    const Where where = condition_of(op, t);
                    diagonal<Real, T, R>(QS_OWN(own, t), slots, t, number, op + QS_OPERANDS,
                                         columns, where, tables);
                }
            } else {
                QS_EACH_THREAD(t, THREADS) write_slots<Real, T, R>(QS_OWN(own, t), slots, t, columns);
                QS_BARRIER();
                QS_EACH_THREAD(t, THREADS) {
                    const Where where = condition_of(op, t);
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
    if (word(begin + 7)) QS_BARRIER();
    if (QS_BEGIN_TWICE) base = tile_begin(begin, number);
    QS_EACH_THREAD(t, THREADS) store<Real, T, R>(QS_OWN(own, t), tile, base, t, store_map);
}
