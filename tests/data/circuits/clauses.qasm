// (a or b) and (not a or c) and (not b or not c): the solutions are marked in superposition.
OPENQASM 2.0;
include "qelib1.inc";
gate or_of a, b, r { x a; x b; ccx a, b, r; x a; x b; x r; }
qreg v[3];
qreg clause[3];
qreg all[1];
creg value[3];
creg good[1];
h v;
or_of v[0], v[1], clause[0];
x v[0];
or_of v[0], v[2], clause[1];
x v[0];
x v[1];
x v[2];
or_of v[1], v[2], clause[2];
x v[1];
x v[2];
c3x clause[0], clause[1], clause[2], all[0];
measure v -> value;
measure all -> good;
