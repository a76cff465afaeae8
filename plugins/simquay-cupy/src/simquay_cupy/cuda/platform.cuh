// The differences between a GPU and the host, so that the same kernel source compiles for both.
//
// A kernel is written as phases. QS_EACH_THREAD runs its body once for every thread of the block:
// on a GPU the threads are there already; on the host it is a loop. QS_BARRIER stands between
// phases and nowhere else, so the host needs none. A variable that a thread keeps from one
// phase to the next is declared with QS_PRIVATE and read with QS_OWN. Control flow around phases
// depends only on values that are the same for all threads of a block.
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)

#define QS_DEVICE __device__ __forceinline__
#define QS_EACH_THREAD(t, count) \
    for ([[maybe_unused]] int t = static_cast<int>(threadIdx.x), qs_once = 1; qs_once; qs_once = 0)
#define QS_PRIVATE(type, name, count) type name
#define QS_OWN(name, t) name
#define QS_BARRIER() __syncthreads()
#define QS_UNROLL _Pragma("unroll")
#define QS_KEEP_LOOP _Pragma("unroll 1")
#define QS_UNROLL_BY_4 _Pragma("unroll 4")
#define QS_READS(byte, t) static_cast<void>(0)
#define QS_WRITES(byte, t) static_cast<void>(0)
#define QS_READS_STATE(place, t) static_cast<void>(0)
#define QS_WRITES_STATE(place, t) static_cast<void>(0)
// Program words and matrices lie in constant memory: all threads read the same one at a time, and
// the compiler can feed it to an FMA from a uniform register, without one register a thread.
#define QS_PROGRAM_BYTES 61440
__constant__ uint4 qs_program[QS_PROGRAM_BYTES / 16];

QS_DEVICE float qs_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
QS_DEVICE double qs_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
QS_DEVICE int qs_popcount(unsigned long long x) { return __popcll(x); }
QS_DEVICE void qs_sincospi(double x, double* s, double* c) { sincospi(x, s, c); }
// `value` with `other` XORed in where `bits` is not 0: one predicated instruction, where the compiler
// would make a mask of the bit, or load `other` under the predicate.
QS_DEVICE unsigned qs_xor_if(unsigned value, unsigned bits, unsigned other) {
    asm("{ .reg .pred p; setp.ne.u32 p, %1, 0; @p xor.b32 %0, %0, %2; }"
        : "+r"(value)
        : "r"(bits), "r"(other));
    return value;
}

#else

#include <cmath>
#include <cstdint>

#define QS_DEVICE inline
#define QS_EACH_THREAD(t, count) for (int t = 0; t < (count); ++t)
#define QS_PRIVATE(type, name, count) static type name##_of_all[count]
#define QS_OWN(name, t) name##_of_all[t]
#ifdef QS_CHECK_RACES
#include <unordered_map>
// Notes who reads and writes which shared memory between two barriers; two threads at one place,
// one of which writes, are a race.
struct QsShadow {
    int writer, written, reader, read;
};
static QsShadow qs_shadow[1 << 16];
static int qs_time = 1, qs_races = 0;
inline void qs_reads(unsigned byte, int t) {
    QsShadow& shadow = qs_shadow[byte];
    qs_races += shadow.written == qs_time && shadow.writer != t;
    shadow.reader = shadow.read == qs_time && shadow.reader != t ? -1 : t;
    shadow.read = qs_time;
}
inline void qs_writes(unsigned byte, int t) {
    QsShadow& shadow = qs_shadow[byte];
    qs_races += shadow.written == qs_time && shadow.writer != t;
    qs_races += shadow.read == qs_time && shadow.reader != t;
    shadow.writer = t;
    shadow.written = qs_time;
}
// Likewise for the state, which all blocks of a launch see: two blocks at one place, one of which
// writes, are a race whatever barriers there are.
struct QsVisit {
    int launch, block, time, thread;
    // Whether `other` comes after this visit, and nothing makes it wait for it.
    bool races(const QsVisit& other) const {
        return launch == other.launch &&
               (block != other.block || (time == other.time && thread != other.thread));
    }
};
struct QsVisits {
    QsVisit writer, reader;
};
static std::unordered_map<const void*, QsVisits> qs_state;
static int qs_launch = 0, qs_block = 0;
inline void qs_reads_state(const void* place, int t) {
    QsVisits& visits = qs_state[place];
    const QsVisit now = {qs_launch, qs_block, qs_time, t};
    qs_races += visits.writer.races(now);
    if (visits.reader.races(now)) {  // several readers: any writer is another one
        visits.reader.thread = -1;
        if (visits.reader.block != qs_block) visits.reader.block = -1;
    } else {
        visits.reader = now;
    }
}
inline void qs_writes_state(const void* place, int t) {
    QsVisits& visits = qs_state[place];
    const QsVisit now = {qs_launch, qs_block, qs_time, t};
    qs_races += visits.writer.races(now) || visits.reader.races(now);
    visits.writer = now;
}
#define QS_READS_STATE(place, t) qs_reads_state(place, t)
#define QS_WRITES_STATE(place, t) qs_writes_state(place, t)
#define QS_BEGIN_LAUNCH() static_cast<void>(++qs_launch)
#define QS_BEGIN_BLOCK() static_cast<void>((++qs_block, ++qs_time))
#define QS_READS(byte, t) qs_reads(byte, t)
#define QS_WRITES(byte, t) qs_writes(byte, t)
#define QS_BARRIER() static_cast<void>(++qs_time)
#else
#define QS_READS(byte, t) static_cast<void>(0)
#define QS_WRITES(byte, t) static_cast<void>(0)
#define QS_READS_STATE(place, t) static_cast<void>(0)
#define QS_WRITES_STATE(place, t) static_cast<void>(0)
#define QS_BEGIN_LAUNCH() static_cast<void>(0)
#define QS_BEGIN_BLOCK() static_cast<void>(0)
#define QS_BARRIER() static_cast<void>(0)
#endif
#define QS_UNROLL
#define QS_KEEP_LOOP
#define QS_UNROLL_BY_4
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static const uint4* qs_program;

QS_DEVICE float qs_fma(float a, float b, float c) { return std::fma(a, b, c); }
QS_DEVICE double qs_fma(double a, double b, double c) { return std::fma(a, b, c); }
QS_DEVICE int qs_popcount(unsigned long long x) { return __builtin_popcountll(x); }
QS_DEVICE void qs_sincospi(double x, double* s, double* c) {
    const double pi = 3.14159265358979323846;
    *s = std::sin(pi * x);
    *c = std::cos(pi * x);
}
QS_DEVICE unsigned qs_xor_if(unsigned value, unsigned bits, unsigned other) {
    return bits ? value ^ other : value;
}

#endif

typedef unsigned int Word;
typedef unsigned long long Index;  // of an amplitude: up to 2**33 and more

template <class Real>
struct alignas(2 * sizeof(Real)) Complex {
    Real re, im;
};

// A complex number from constant memory.
QS_DEVICE Complex<double> fetch(const double* numbers, int index) {
    return {numbers[2 * index], numbers[2 * index + 1]};
}
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
QS_DEVICE Complex<float> fetch(const float* numbers, int index) {
    const unsigned long long both = reinterpret_cast<const unsigned long long*>(numbers)[index];
    return {__uint_as_float(static_cast<unsigned int>(both)),
            __uint_as_float(static_cast<unsigned int>(both >> 32))};
}
#else
QS_DEVICE Complex<float> fetch(const float* numbers, int index) {
    return {numbers[2 * index], numbers[2 * index + 1]};
}
#endif

// Angles are whole turns in fixed point, so that sums of any length are exact modulo one turn.
template <class Real>
struct Turns;
template <>
struct Turns<float> {
    typedef unsigned int Type;
};
template <>
struct Turns<double> {
    typedef unsigned long long Type;
};

// exp(2 pi i u / 2**32). The quarter turn is taken off in integers; the rest is at most pi/4,
// where these polynomials (least squares at Chebyshev nodes, error below 2e-9) serve.
QS_DEVICE Complex<float> unit_phase(unsigned int u) {
    const unsigned int quarter = (u + 0x20000000u) >> 30;
    const float x =
        static_cast<float>(static_cast<int>(u - (quarter << 30))) * 1.46291807926715968e-9f;
    const float z = x * x;
    float s = qs_fma(z, -1.949349671e-4f, 8.331957977e-3f);
    s = qs_fma(z, s, -1.666665019e-1f);
    s = qs_fma(x * z, s, x);
    float c = qs_fma(z, 2.443585174e-5f, -1.388734149e-3f);
    c = qs_fma(z, c, 4.166664624e-2f);
    c = qs_fma(z, c, -0.5f);
    c = qs_fma(z, c, 1.0f);
    const float a = (quarter & 1u) ? s : c;
    const float b = (quarter & 1u) ? c : s;
    Complex<float> value;
    value.re = (quarter == 1u || quarter == 2u) ? -a : a;
    value.im = (quarter >= 2u) ? -b : b;
    return value;
}

// exp(2 pi i u / 2**64).
QS_DEVICE Complex<double> unit_phase(unsigned long long u) {
    Complex<double> value;
    qs_sincospi(static_cast<double>(static_cast<long long>(u)) * 1.0842021724855044e-19,
                &value.im, &value.re);
    return value;
}
