// The order of 4 modulo 5 is 2: one counting qubit, used three times, with corrections from bits.
// In the first round the power of the multiplication is the identity.
OPENQASM 2.0;
include "qelib1.inc";
qreg control[1];
qreg work[3];
creg c0[1];
creg c1[1];
creg c2[1];
x work[0];
h control[0];
h control[0];
measure control[0] -> c0[0];
reset control[0];
h control[0];
if (c0 == 1) u1(-pi/2) control[0];
h control[0];
measure control[0] -> c1[0];
reset control[0];
h control[0];
cswap control[0], work[0], work[2];
if (c1 == 1) u1(-pi/2) control[0];
if (c0 == 1) u1(-pi/4) control[0];
h control[0];
measure control[0] -> c2[0];
