// A W state on five qubits: exactly one of the bits is 1.
OPENQASM 2.0;
include "qelib1.inc";
gate share(angle) from, to { ry(-angle) to; cz from, to; ry(angle) to; cx to, from; }
qreg q[5];
creg c[5];
x q[0];
share(acos(sqrt(1/5))) q[0], q[1];
share(acos(sqrt(1/4))) q[1], q[2];
share(acos(sqrt(1/3))) q[2], q[3];
share(acos(sqrt(1/2))) q[3], q[4];
measure q -> c;
