// Gates with modifiers, a gate with parameters, and an else that runs.
OPENQASM 3.0;
include "stdgates.inc";
gate lean(theta) a, b {
  rx(theta) a;
  cx a, b;
  rz(theta / 2) b;
}
qubit[4] q;
bit[4] c;
bit coin;
h q[0];
ctrl @ x q[0], q[1];
negctrl @ ry(0.9) q[1], q[2];
ctrl(2) @ z q[0], q[1], q[2];
inv @ s q[2];
pow(3) @ t q[1];
lean(0.4) q[2], q[3];
inv @ lean(0.7) q[3], q[0];
U(0.3, 0.2, 0.1) q[1];
gphase(0.25);
coin = measure q[3];
if (coin) {
  h q[1];
} else {
  sx q[2];
  swap q[0], q[1];
}
c = measure q;
