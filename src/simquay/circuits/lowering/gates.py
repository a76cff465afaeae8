"""Qiskit's standard gates as operations: a table by name.

Qiskit stores a gate of its standard set as a name and parameters
(``CircuitInstruction.is_standard_gate``), always with closed controls. Each entry makes the
operations from the qubit indices and the parameters; the gate's Qiskit object is never made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.circuits.lowering import matrices
from simquay.circuits.lowering.matrices import Builder, constant
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Relabel

__all__ = ["NOT", "SEVERAL", "SINGLE", "SKIPPED", "SWAP", "H", "Y", "Z"]

Qubits: TypeAlias = tuple[int, ...]
Maker: TypeAlias = Callable[[Qubits, Sequence[Any]], GateOperation]
SeveralMaker: TypeAlias = Callable[[Qubits, Sequence[Any]], tuple[GateOperation, ...]]
_GateClass: TypeAlias = Union[type[Matrix], type[Diagonal], type[Permutation]]

NOT = constant((1, 0), np.intp)
SWAP = constant((0, 2, 1, 3), np.intp)
H = constant(((1, 1), (1, -1))) / math.sqrt(2)
H.flags.writeable = False
Y = constant(((0, -1j), (1j, 0)))
Z = constant((1, -1))
_EIGHTH = complex(math.sqrt(0.5), math.sqrt(0.5))
_SX = constant(((0.5 + 0.5j, 0.5 - 0.5j), (0.5 - 0.5j, 0.5 + 0.5j)))
_ECR = constant(((0, 1, 0, 1j), (1, 0, -1j, 0), (0, 1j, 0, 1), (-1j, 0, 1, 0))) / math.sqrt(2)
_ECR.flags.writeable = False
_DCX = constant((0, 2, 3, 1), np.intp)
_ISWAP_PHASES = constant((1, 1j, 1j, 1))
# The relative phases of the Margolus gates: each is this diagonal, then a Toffoli.
_RCCX_PHASES = constant((1, 1, 1, 1j, 1, -1, 1, -1j))
_RCCCX_PHASES = constant((1, 1, 1, 1j, 1, 1, 1, -1, 1, 1, 1, -1j, 1, 1, 1, 1))


def _fixed(kind: _GateClass, array: NDArray[Any], controls: int = 0) -> Maker:
    """A gate without parameters; its first ``controls`` qubits are controls."""
    if not controls:
        return lambda qubits, _: kind(array, qubits)
    state = (1 << controls) - 1
    if controls == 1:
        return lambda qubits, _: kind(array, qubits[1:], qubits[:1], 1)
    return lambda qubits, _: kind(array, qubits[controls:], qubits[:controls], state)


def _angled(kind: type[Matrix] | type[Diagonal], build: Builder, controls: int = 0) -> Maker:
    """A gate of parameters; its first ``controls`` (0 or 1) qubits are controls."""
    if not controls:
        return lambda qubits, angles: kind(build(*angles), qubits)
    return lambda qubits, angles: kind(build(*angles), qubits[1:], qubits[:1], 1)


def _many_controls(qubits: Qubits, _: Sequence[Any]) -> GateOperation:
    """``mcx`` of any width."""
    return Permutation(NOT, qubits[-1:], qubits[:-1], (1 << len(qubits) - 1) - 1)


SINGLE: dict[str, Maker] = {
    "x": _fixed(Permutation, NOT),
    "cx": _fixed(Permutation, NOT, 1),
    "ccx": _fixed(Permutation, NOT, 2),
    "mcx": _many_controls,
    "y": _fixed(Matrix, Y),
    "cy": _fixed(Matrix, Y, 1),
    "z": _fixed(Diagonal, Z),
    "cz": _fixed(Diagonal, Z, 1),
    "ccz": _fixed(Diagonal, Z, 2),
    "h": _fixed(Matrix, H),
    "ch": _fixed(Matrix, H, 1),
    "s": _fixed(Diagonal, constant((1, 1j))),
    "cs": _fixed(Diagonal, constant((1, 1j)), 1),
    "sdg": _fixed(Diagonal, constant((1, -1j))),
    "csdg": _fixed(Diagonal, constant((1, -1j)), 1),
    "t": _fixed(Diagonal, constant((1, _EIGHTH))),
    "tdg": _fixed(Diagonal, constant((1, _EIGHTH.conjugate()))),
    "sx": _fixed(Matrix, _SX),
    "csx": _fixed(Matrix, _SX, 1),
    "c3sx": _fixed(Matrix, _SX, 3),
    "sxdg": _fixed(Matrix, constant(_SX.conj())),
    "swap": lambda qubits, _: Relabel(qubits, (qubits[1], qubits[0])),
    "cswap": _fixed(Permutation, SWAP, 1),
    "dcx": _fixed(Permutation, _DCX),
    "ecr": _fixed(Matrix, _ECR),
    "p": _angled(Diagonal, matrices.p),
    "u1": _angled(Diagonal, matrices.p),
    "cp": _angled(Diagonal, matrices.p, 1),
    "cu1": _angled(Diagonal, matrices.p, 1),
    "rz": _angled(Diagonal, matrices.rz),
    "crz": _angled(Diagonal, matrices.rz, 1),
    "rzz": _angled(Diagonal, matrices.rzz),
    "rx": _angled(Matrix, matrices.rx),
    "crx": _angled(Matrix, matrices.rx, 1),
    "ry": _angled(Matrix, matrices.ry),
    "cry": _angled(Matrix, matrices.ry, 1),
    "r": _angled(Matrix, matrices.r),
    "u": _angled(Matrix, matrices.u),
    "u2": _angled(Matrix, matrices.u2),
    "u3": _angled(Matrix, matrices.u),
    "cu3": _angled(Matrix, matrices.u, 1),
    "cu": _angled(Matrix, matrices.cu, 1),
    "rxx": _angled(Matrix, matrices.rxx),
    "ryy": _angled(Matrix, matrices.ryy),
    "rzx": _angled(Matrix, matrices.rzx),
    "xx_minus_yy": _angled(Matrix, matrices.xx_minus_yy),
    "xx_plus_yy": _angled(Matrix, matrices.xx_plus_yy),
}
"""Gates that are one operation, by name."""

SEVERAL: dict[str, SeveralMaker] = {
    "iswap": lambda qubits, _: (
        Diagonal(_ISWAP_PHASES, qubits),
        Relabel(qubits, (qubits[1], qubits[0])),
    ),
    "rccx": lambda qubits, _: (
        Diagonal(_RCCX_PHASES, qubits),
        Permutation(NOT, qubits[2:], qubits[:2], 3),
    ),
    "rcccx": lambda qubits, _: (
        Diagonal(_RCCCX_PHASES, qubits),
        Permutation(NOT, qubits[3:], qubits[:3], 7),
    ),
}
"""Gates that are cheaper as several operations, by name."""

SKIPPED = frozenset({"id"})
"""Gates that are the identity, by name."""
