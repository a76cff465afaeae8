// A step that succeeds when the helper reads 0; until then it is undone and tried again.
OPENQASM 3.0;
include "stdgates.inc";
qubit helper;
qubit target;
bit again;
bit[1] result;
h target;
x helper;
again = measure helper;
while (again) {
  reset helper;
  ry(1.3) helper;
  cx helper, target;
  s target;
  cx helper, target;
  ry(1.3) helper;
  again = measure helper;
  if (again) {
    sdg target;
  }
}
h target;
result[0] = measure target;
