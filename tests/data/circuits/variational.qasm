// Layers of rotations and a ring of controlled ones, with every kind of angle.
OPENQASM 2.0;
include "qelib1.inc";
gate layer(a, b) p, q, r, s { ry(a) p; ry(b) q; ry(-a) r; ry(a - b) s; rz(b/3) p; rz(a^2) s; }
qreg q[4];
creg c[4];
layer(0.3, pi/7) q[0], q[1], q[2], q[3];
cz q[0], q[1];
cz q[1], q[2];
cz q[2], q[3];
cz q[3], q[0];
layer(-1.25e-1, cos(0.4)) q[0], q[1], q[2], q[3];
crz(0.7) q[0], q[2];
cu3(0.1, 0.2, 0.3) q[3], q[1];
rzz(0.9) q[1], q[2];
layer(ln(2), sqrt(2)) q[3], q[2], q[1], q[0];
measure q -> c;
