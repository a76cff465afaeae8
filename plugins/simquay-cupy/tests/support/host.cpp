// The kernels of kernels.cu as functions of the host, for tests: the same source, one block after
// the other. host_device.py puts the package's headers in, compiles it, and calls it by ctypes.
#include "platform.cuh"

#include "tile_pass.cuh"
#include "whole_state.cuh"

// Grid sizes come first; the rest is as in kernels.cu.
#define QS_TILE_PASS(NAME, REAL, ANGLE, T, R)                                                     \
    extern "C" void tile_pass_##NAME(const int* grid, const void* programs, Complex<REAL>* state, \
                                     Index stride, Word program, const Complex<REAL>* tables,     \
                                     const int* ints, const ANGLE* angles) {                      \
        static uint4 shared[(sizeof(Complex<REAL>) << T) / 16 + 4096];                            \
        qs_program = static_cast<const uint4*>(programs);                                         \
        QS_BEGIN_LAUNCH();                                                                        \
        for (int y = 0; y < grid[1]; ++y)                                                         \
            for (int x = 0; x < grid[0]; ++x) {                                                   \
                QS_BEGIN_BLOCK();                                                                 \
                tile_pass<REAL, T, R>(reinterpret_cast<unsigned char*>(shared), x,                \
                                      state + y * stride, program, tables, ints, angles);         \
            }                                                                                     \
    }

#define QS_WHOLE_STATE(NAME, REAL)                                                                \
    extern "C" void marginal_##NAME(const int* grid, const void*, const Complex<REAL>* state,     \
                                    Index stride, const Index* given, Index lanes, Index blocks,  \
                                    Index loop, int lane_count, int summed, int outputs,          \
                                    Index steps, double* out) {                                   \
        double shared[QS_THREADS];                                                                \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int y = 0; y < grid[1]; ++y)                                                     \
                for (int x = 0; x < grid[0]; ++x)                                                 \
                    marginal<REAL>(shared, x, y, state + z * stride, given[z], lanes, blocks,     \
                                   loop, lane_count, summed, outputs, steps,                      \
                                   out + (static_cast<Index>(grid[1]) * z << outputs));           \
    }                                                                                             \
    extern "C" void string_sums_##NAME(const int* grid, const void*, const Complex<REAL>* state,  \
                                       Index stride, const StringGroup* groups,                   \
                                       const StringMasks* masks, Index strings, double* out) {    \
        static double shared[QS_TILE_PRODUCTS];                                                   \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int y = 0; y < grid[1]; ++y)                                                     \
                for (int x = 0; x < grid[0]; ++x) {                                               \
                    const Index first = groups[y].first, row = Index(z) * grid[0] + x;            \
                    string_sums<REAL>(shared, x, grid[0], state + z * stride, groups[y],          \
                                      masks + first, out + row * strings + first);                \
                }                                                                                 \
    }                                                                                             \
    extern "C" void project_##NAME(const int* grid, const void*, Complex<REAL>* state,            \
                                   Index stride, Index size, Index mask, const Index* values,     \
                                   const REAL* factors) {                                         \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int b = 0; b < grid[0]; ++b)                                                     \
                project<REAL>(b, grid[0], state + z * stride, size, mask, values[z], factors[z]); \
    }                                                                                             \
    extern "C" void flip_bits_##NAME(const int* grid, const void*, Complex<REAL>* state,          \
                                     Index stride, Index size, const Index* masks) {              \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int b = 0; b < grid[0]; ++b)                                                     \
                flip_bits<REAL>(b, grid[0], state + z * stride, size, masks[z]);                  \
    }                                                                                             \
    extern "C" void add_strings_##NAME(const int* grid, const void*, Complex<REAL>* state,        \
                                       Index stride, Index size, const StringTerm* terms,         \
                                       const double* factors, Index count, Index more) {          \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int b = 0; b < grid[0]; ++b)                                                     \
                add_strings<REAL>(b, grid[0], state + z * stride, size, terms, factors, count,    \
                                  more);                                                          \
    }                                                                                             \
    extern "C" void select_##NAME(const int* grid, const void*, const Complex<REAL>* state,       \
                                  Index stride, const Index* numbers, const int* places,          \
                                  int qubits, Complex<REAL>* out) {                               \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int b = 0; b < grid[0]; ++b)                                                     \
                pick<REAL>(b, grid[0], state + numbers[z] * stride, places, qubits, nullptr, 0,   \
                           Index(1) << qubits, out + z * stride);                                 \
    }                                                                                             \
    extern "C" void pick_##NAME(const int* grid, const void*, const Complex<REAL>* state,         \
                                Index stride, const int* places, int qubits,                      \
                                const Index* indices, Index first, Index count,                   \
                                Complex<REAL>* out) {                                             \
        for (int z = 0; z < grid[2]; ++z)                                                         \
            for (int b = 0; b < grid[0]; ++b)                                                     \
                pick<REAL>(b, grid[0], state + z * stride, places, qubits, indices, first, count, \
                           out + z * count);                                                      \
    }

#ifdef QS_CHECK_RACES
extern "C" int races() { return qs_races; }
#endif

QS_TILE_PASS(single, float, unsigned int, 12, 4)
QS_WHOLE_STATE(single, float)
QS_TILE_PASS(double, double, unsigned long long, 11, 3)
QS_WHOLE_STATE(double, double)
QS_TILE_PASS(double12, double, unsigned long long, 12, 4)
