// A coin with four sides decides, three times over, which way a walker steps.
OPENQASM 3.0;
include "stdgates.inc";
qubit[2] coin;
qubit[3] walker;
bit[2] side;
bit[3] place;
for int step in {1, 2, 4} {
  reset coin;
  ry(0.9) coin[0];
  h coin[1];
  side = measure coin;
  if (side == 0) {
    x walker[0];
  } else {
    if (side == 3) {
      ccx walker[0], walker[1], walker[2];
      h walker[1];
    } else {
      cx walker[0], walker[1];
      x walker[0];
    }
  }
}
place = measure walker;
