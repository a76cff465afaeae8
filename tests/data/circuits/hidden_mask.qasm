// Simon's problem for the mask 110: what is measured is orthogonal to it.
OPENQASM 2.0;
include "qelib1.inc";
qreg in[3];
qreg out[3];
creg c[3];
h in;
cx in[0], out[0];
cx in[1], out[1];
cx in[2], out[2];
cx in[1], out[1];
cx in[1], out[2];
barrier in, out;
h in;
measure in -> c;
