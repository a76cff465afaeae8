// The instructions of a tile program; quayside_cupy/opcodes.py holds the same numbers, and a test
// compares the two files.
//
// A program is a vector of 32-bit words. Its header:
//   0 rounds  1 qubits read  2 forms  3 where forms start in `ints`  4 where their angles start
//   5 runs of outer bits  6 whether not everything is read  7 unused
// then (mask, shift) for each run: the storage index of a tile is the sum of
// (number & mask) << shift; then T storage bits to load from and T to store to (first those of the
// T-R thread bits, then those of the R register bits); then the rounds.
//
// A round: T slot columns (in the same order), the number of its instructions, the instructions.
// The slot of an amplitude in shared memory is the XOR of the columns of the bits that are set.
//
// An instruction: 0 opcode  1 length in words  2, 3 mask and value on the tile number
//   4, 5 mask and value on the thread  6, 7 mask and value on the register index
//   8 payload, in reals from the beginning of the program; then what the opcode says.
#pragma once

#define QS_HEADER 8
#define QS_OPERANDS 9

#define QS_DENSE1 0       // + register bit
#define QS_DENSE1_REAL 4  // + register bit
#define QS_CROSS 8        // + register bit
#define QS_DENSE2 12      // + 0…5: register bits 01 02 12 03 13 23
#define QS_DENSE2_REAL 18  // likewise
#define QS_DENSE3 24       // + 0…3: register bits 012 013 023 123
#define QS_UNSCALED 28
#define QS_ROTATE 28          // + register bit
#define QS_ROTATE_CROSS 32    // + register bit
#define QS_SUM_DIFFERENCE 36  // + register bit
#define QS_SCALE 40
#define QS_REGISTER_TABLE 41  // multiply by payload[register index]
#define QS_PHASE 42           // groups, then for each: register subset, terms, terms * words
#define QS_DIAGONAL 43        // k, m, table start, k positions, m outer bits
#define QS_GATHER 44          // k, entries a row, source start, table start, k columns, k positions
#define QS_FLIP 48            // + register bit; only with QS_CONDITIONAL
#define QS_CONDITIONAL 64     // added to QS_DENSE1, QS_DENSE2, QS_FLIP: words 4 to 7 matter
