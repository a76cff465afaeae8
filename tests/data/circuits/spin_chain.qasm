// Trotter steps of a transverse-field chain of six spins, in a loop with a parameter.
OPENQASM 3.0;
include "stdgates.inc";
gate coupled(theta) a, b { cx a, b; rz(theta) b; cx a, b; }
qubit[6] spin;
bit[6] c;
x spin[2];
for int step in [1:4] {
  coupled(0.15 * step) spin[0], spin[1];
  coupled(0.15 * step) spin[2], spin[3];
  coupled(0.15 * step) spin[4], spin[5];
  coupled(0.15 * step) spin[1], spin[2];
  coupled(0.15 * step) spin[3], spin[4];
  rx(0.4) spin;
}
c = measure spin;
