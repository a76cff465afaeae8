// Three qubits keep one: errors by small rotations, two rounds of syndrome and correction.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] data;
qubit[2] check;
bit[2] syndrome;
bit[3] c;
ry(0.8) data[0];
cx data[0], data[1];
cx data[0], data[2];
for int round in [0:1] {
  rx(0.7) data[0];
  rx(0.4) data[1];
  rx(0.2) data[2];
  reset check;
  cx data[0], check[0];
  cx data[1], check[0];
  cx data[1], check[1];
  cx data[2], check[1];
  syndrome = measure check;
  if (syndrome == 1) {
    x data[0];
  }
  if (syndrome == 3) {
    x data[1];
  }
  if (syndrome == 2) {
    x data[2];
  }
}
c = measure data;
