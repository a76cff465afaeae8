// Two qubits at an angle: estimate an energy with --bind theta=0.3
OPENQASM 3.0;
include "stdgates.inc";

input float theta;
qubit[2] q;

ry(theta) q[0];
cx q[0], q[1];
ry(-theta) q[1];
