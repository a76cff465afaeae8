// The kernels, under the names by which simquay_cupy launches them: one of each kind for complex
// numbers of float (`single`) and of double (`double`). blockIdx.z, or .y of a tile pass, is the
// number of the vector in a batch. `double12` is for states of 12 qubits: a tile is all of one, in 64
// KiB of shared memory.
#include "tile_pass.cuh"
#include "whole_state.cuh"

// Blocks that should fit a multiprocessor at once, which limits the registers of a thread. With three,
// the compiler spills for sm_100; on sm_75 there is shared memory for two.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ >= 1000 || __CUDA_ARCH__ < 800)
#define QS_BLOCKS 2
#else
#define QS_BLOCKS 3
#endif
#ifndef QS_BLOCKS_SINGLE
#define QS_BLOCKS_SINGLE QS_BLOCKS
#endif
#ifndef QS_BLOCKS_DOUBLE
#define QS_BLOCKS_DOUBLE QS_BLOCKS
#endif
#ifndef QS_TILE_SINGLE
#define QS_TILE_SINGLE 12
#endif

#define QS_TILE_PASS(NAME, REAL, ANGLE, T, R, BLOCKS)                                             \
    extern "C" __global__ void __launch_bounds__(1 << (T - R), BLOCKS) tile_pass_##NAME(          \
        Complex<REAL>* state, Index stride, Word program, const Complex<REAL>* tables,            \
        const int* ints, const ANGLE* angles) {                                                   \
        extern __shared__ uint4 shared[];                                                         \
        tile_pass<REAL, T, R>(reinterpret_cast<unsigned char*>(shared), blockIdx.x,               \
                              state + blockIdx.y * stride, program, tables, ints, angles);        \
    }

#define QS_WHOLE_STATE(NAME, REAL)                                                                \
    extern "C" __global__ void __launch_bounds__(QS_THREADS) marginal_##NAME(                     \
        const Complex<REAL>* state, Index stride, const Index* given, Index lanes, Index blocks,  \
        Index loop, int lane_count, int summed, int outputs, Index steps, double* out) {          \
        __shared__ double shared[QS_THREADS];                                                     \
        marginal<REAL>(shared, blockIdx.x, blockIdx.y, state + blockIdx.z * stride,               \
                       given[blockIdx.z], lanes, blocks, loop, lane_count, summed, outputs,       \
                       steps, out + (static_cast<Index>(gridDim.y) * blockIdx.z << outputs));     \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS, 4) string_sums_##NAME(               \
        const Complex<REAL>* state, Index stride, const StringGroup* groups,                      \
        const StringMasks* masks, Index strings, double* out) {                                   \
        __shared__ double shared[QS_TILE_PRODUCTS];                                               \
        const StringGroup group = groups[blockIdx.y];                                             \
        const Index row = Index(blockIdx.z) * gridDim.x + blockIdx.x;                             \
        string_sums<REAL>(shared, blockIdx.x, gridDim.x, state + blockIdx.z * stride, group,      \
                          masks + group.first, out + row * strings + group.first);                \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS) project_##NAME(                      \
        Complex<REAL>* state, Index stride, Index size, Index mask, const Index* values,          \
        const REAL* factors) {                                                                    \
        project<REAL>(blockIdx.x, gridDim.x, state + blockIdx.z * stride, size, mask,             \
                      values[blockIdx.z], factors[blockIdx.z]);                                   \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS)                                      \
        flip_bits_##NAME(Complex<REAL>* state, Index stride, Index size, const Index* masks) {    \
        flip_bits<REAL>(blockIdx.x, gridDim.x, state + blockIdx.z * stride, size,                 \
                        masks[blockIdx.z]);                                                       \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS) add_strings_##NAME(                  \
        Complex<REAL>* state, Index stride, Index size, const StringTerm* terms,                  \
        const double* factors, Index count, Index more) {                                         \
        add_strings<REAL>(blockIdx.x, gridDim.x, state + blockIdx.z * stride, size, terms,        \
                          factors, count, more);                                                  \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS) select_##NAME(                       \
        const Complex<REAL>* state, Index stride, const Index* numbers, const int* places,        \
        int qubits, Complex<REAL>* out) {                                                         \
        pick<REAL>(blockIdx.x, gridDim.x, state + numbers[blockIdx.z] * stride, places, qubits,   \
                   nullptr, 0, Index(1) << qubits, out + blockIdx.z * stride);                    \
    }                                                                                             \
    extern "C" __global__ void __launch_bounds__(QS_THREADS) pick_##NAME(                         \
        const Complex<REAL>* state, Index stride, const int* places, int qubits,                  \
        const Index* indices, Index first, Index count, Complex<REAL>* out) {                     \
        pick<REAL>(blockIdx.x, gridDim.x, state + blockIdx.z * stride, places, qubits, indices,   \
                   first, count, out + blockIdx.z * count);                                       \
    }

// Each of these is a module of its own, compiled when it is first used.
#if !defined(QS_SINGLE) && !defined(QS_DOUBLE) && !defined(QS_DOUBLE12)
#define QS_SINGLE
#define QS_DOUBLE
#define QS_DOUBLE12
#endif
#ifdef QS_SINGLE
QS_TILE_PASS(single, float, unsigned int, QS_TILE_SINGLE, 4, QS_BLOCKS_SINGLE)
QS_WHOLE_STATE(single, float)
#endif
#ifdef QS_DOUBLE
QS_TILE_PASS(double, double, unsigned long long, 11, 3, QS_BLOCKS_DOUBLE)
QS_WHOLE_STATE(double, double)
#endif
#ifdef QS_DOUBLE12
QS_TILE_PASS(double12, double, unsigned long long, 12, 4, 1)
#endif
