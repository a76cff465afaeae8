// The instructions of a tile program. simquay_cupy/encoding/opcodes.py has the same numbers, and a
// test compares the two files.
//
// A program is a vector of 32-bit words. Its header:
//   0 rounds  1 qubits read  2 forms  3 where forms start in `ints`  4 where their angles start
//   5 runs of outer bits  6 whether some amplitudes are 0 and not read
//   7 whether a barrier is needed before the store
// Then (mask, shift) for each run: a tile begins, in bytes, at the sum of (number & mask) << shift.
// Then, for each of the T local bits, the distance in bytes between amplitudes with the bit clear and
// set: first where they are loaded from, then where they are stored to. Each takes two words; the T-R
// thread bits come first, then the R register bits. Then the rounds.
//
// A round: T slot columns (in the same order), the number of its instructions, the instructions.
// The slot of an amplitude in shared memory, in bytes, is the XOR of the columns of the bits that
// are set.
//
// An instruction: 0 opcode  1 length in words  2 payload, in reals from the beginning of the program
//   3, 4 mask and value on the tile number  5, 6 on the thread  7, 8 on the register index
// then the opcode's own words. An angle of a thread is: the number of terms; the start of its table
// over threads in `angles` plus one (0: none); and for each term a word (mask on the thread, and from
// bit 16 on the number of a form plus one, 0: none) and a constant angle of one word (single) or two
// (double precision). In QS_PHASE, a table's word with its highest bit set is the start of a table of
// factors over threads in `tables`; there are no terms then.
#pragma once

#define QS_HEADER 8
#define QS_OPERANDS 9

#define QS_DENSE2 0       // + 0…5: register bits 01 02 12 03 13 23; first, as the most frequent
#define QS_DENSE1 6       // + register bit
#define QS_DENSE1_REAL 10  // + register bit
#define QS_RX_LIKE 14        // + register bit
#define QS_DENSE2_REAL 18  // likewise
#define QS_DENSE3 24       // + 0…3: register bits 012 013 023 123
#define QS_UNSCALED 28
#define QS_ROTATE 28          // + register bit
#define QS_ROTATE_RX 32    // + register bit
#define QS_SUM_DIFFERENCE 36  // + register bit
#define QS_ROTATE_ALL 40
#define QS_ROTATE_RX_ALL 41
#define QS_SCALE 42
#define QS_REGISTER_TABLE 43  // multiply by payload[register index]
#define QS_CX 44              // + the pair of register bits as above where the lower is the control;
                              // + 6 more where the higher is: X on the other where that is 1
#define QS_PHASE 56           // groups, then for each: register subset, angle
#define QS_PHASE_TREE 57      // mask of the pairs 01 02 12 03 13 23 that have a factor in the payload,
                              // then an angle for no bit, and one for each register bit
#define QS_DIAGONAL 58        // k, m, table start, k positions, m outer bits
#define QS_GATHER 59          // k, entries a row, source start, table start, k columns, k positions
#define QS_FLIP 60            // + register bit; only with QS_CONDITIONAL, and none on the register index
#define QS_FLIP_WHERE 64      // likewise, with any condition
#define QS_CONDITIONAL 128    // added to QS_DENSE1 (then with two matrices: for where the condition
                              // holds, and for elsewhere), QS_DENSE2, QS_FLIP, QS_FLIP_WHERE: words 5
                              // to 8 matter
