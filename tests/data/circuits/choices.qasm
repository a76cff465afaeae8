// Two measured bits pick the basis that the third qubit is turned to, by nested conditions.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] which;
bit result;
bit untouched;
h q[0];
ry(1.0) q[1];
which[0] = measure q[0];
which[1] = measure q[1];
if (which == 0) {
  h q[2];
} else {
  if (which == 3) { x q[2]; barrier q; } else { ry(0.6) q[2]; }
}
if (!which[1]) { z q[2]; }
result = measure q[2];
