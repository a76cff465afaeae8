// Two numbers of two bits multiply by shifted additions: 3 times a superposition of 1 and 3.
OPENQASM 2.0;
include "qelib1.inc";
qreg a[2];
qreg b[2];
qreg out[4];
qreg spare[2];
creg product[4];
creg factor[2];
x a[0];
x a[1];
x b[0];
h b[1];
// The first row needs no carry.
ccx a[0], b[0], out[0];
ccx a[1], b[0], out[1];
// The second row: partial products on the spare qubits, then a ripple of carries.
ccx a[0], b[1], spare[0];
ccx a[1], b[1], spare[1];
ccx spare[0], out[1], out[2];
cx spare[0], out[1];
ccx spare[1], out[2], out[3];
cx spare[1], out[2];
// The partial products are taken back.
ccx a[1], b[1], spare[1];
ccx a[0], b[1], spare[0];
measure out -> product;
measure b -> factor;
