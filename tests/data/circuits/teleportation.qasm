// The state RY(1.1)|0> goes from q[0] to q[2]; registers of one bit steer the corrections.
OPENQASM 2.0;
include "qelib1.inc";
qreg q[3];
creg first[1];
creg second[1];
creg received[1];
ry(1.1) q[0];
h q[1];
cx q[1], q[2];
cx q[0], q[1];
h q[0];
measure q[0] -> first[0];
measure q[1] -> second[0];
if (second == 1) x q[2];
if (first == 1) z q[2];
measure q[2] -> received[0];
