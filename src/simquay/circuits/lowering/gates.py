"""Qiskit's standard gates as operations: a table by name.

Qiskit stores a gate of its standard set as a name and parameters
(``CircuitInstruction.is_standard_gate``), always with closed controls. The
entries make the operations from the qubit indices and the parameters; the gate's Qiskit object is
never made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.circuits.lowering.angles import SYMBOLS, Angles, is_parametric
from simquay.program import (
    Diagonal,
    GateOperation,
    Matrix,
    Parametric,
    Permutation,
    Relabel,
    formulas,
)
from simquay.program.formulas import Formula, Gathered, constant
from simquay.program.gates import constructor

__all__ = ["NOT", "SEVERAL", "SKIPPED", "SWAP", "H", "Makers", "Y", "Z"]

Qubits: TypeAlias = tuple[int, ...]
Maker: TypeAlias = Callable[[Qubits, Sequence[Any]], Union[GateOperation, Parametric]]
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


_CONSTRUCTORS: dict[_GateClass, Callable[..., GateOperation]] = {
    Matrix: constructor(Matrix),
    Diagonal: constructor(Diagonal),
    Permutation: constructor(Permutation),
}


def _fixed(kind: _GateClass, array: NDArray[Any], controls: int = 0) -> Maker:
    """A gate without parameters; its first ``controls`` qubits are controls.

    Gates on the same qubits are one object, in every circuit: that takes a third of the time, and
    what is not allocated is not looked at by Python's garbage collector.
    """
    make, state = _CONSTRUCTORS[kind], (1 << controls) - 1

    @lru_cache(maxsize=4096)
    def gate(qubits: Qubits) -> GateOperation:
        return make(array, qubits[controls:], qubits[:controls], state)

    return lambda qubits, _: gate(qubits)


def _many_controls(qubits: Qubits, _: Sequence[Any]) -> GateOperation:
    """``mcx`` of any width."""
    return Permutation(NOT, qubits[-1:], qubits[:-1], (1 << len(qubits) - 1) - 1)


FIXED: dict[str, Maker] = {
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
}
"""Gates without parameters that are one operation, by name."""

ANGLED: dict[str, tuple[Union[type[Matrix], type[Diagonal]], Formula, int]] = {
    "p": (Diagonal, formulas.p, 0),
    "u1": (Diagonal, formulas.p, 0),
    "cp": (Diagonal, formulas.p, 1),
    "cu1": (Diagonal, formulas.p, 1),
    "rz": (Diagonal, formulas.rz, 0),
    "crz": (Diagonal, formulas.rz, 1),
    "rzz": (Diagonal, formulas.rzz, 0),
    "rx": (Matrix, formulas.rx, 0),
    "crx": (Matrix, formulas.rx, 1),
    "ry": (Matrix, formulas.ry, 0),
    "cry": (Matrix, formulas.ry, 1),
    "r": (Matrix, formulas.r, 0),
    "u": (Matrix, formulas.u, 0),
    "u2": (Matrix, formulas.u2, 0),
    "u3": (Matrix, formulas.u, 0),
    "cu3": (Matrix, formulas.u, 1),
    "cu": (Matrix, formulas.cu, 1),
    "rxx": (Matrix, formulas.rxx, 0),
    "ryy": (Matrix, formulas.ryy, 0),
    "rzx": (Matrix, formulas.rzx, 0),
    "xx_minus_yy": (Matrix, formulas.xx_minus_yy, 0),
    "xx_plus_yy": (Matrix, formulas.xx_plus_yy, 0),
}
"""Gates of parameters that are one operation, by name: its kind, its formula, and how many (0 or 1)
of its qubits, the first, are controls."""


class Makers(dict[str, Union[Maker, None]]):
    """The makers of gates that are one operation, by name, for one circuit; None for other names.

    Args:
        together: whether the numbers of gates with parameters are computed at once, by
            :meth:`fill`. If not, each gate has its numbers when it is made.
        angles: collects the angles of gates that depend on the circuit's parameters; None where
            all have values.
    """

    def __init__(self, together: bool, angles: Angles | None = None) -> None:
        super().__init__(FIXED)
        self.together = together
        self.angles = angles
        self._gathered: dict[Formula, Gathered] = {}

    def __missing__(self, name: str) -> Maker | None:
        maker: Maker | None = None
        if name in ANGLED:
            kind, formula, controls = ANGLED[name]
            maker = self._angled(kind, formula, controls)
            if self.angles is not None:
                maker = _parametric(maker, self.angles, formula, controls)
        self[name] = maker
        return maker

    def _angled(
        self, kind: type[Matrix] | type[Diagonal], formula: Formula, controls: int
    ) -> Maker:
        make = _CONSTRUCTORS[kind]
        if not self.together:
            array = formula.cached
            if controls:
                return lambda qubits, angles: make(array(*angles), qubits[1:], qubits[:1], 1)
            return lambda qubits, angles: make(array(*angles), qubits)
        gathered = self._gathered.get(formula)
        if gathered is None:
            gathered = self._gathered[formula] = Gathered(formula)
        add, rows = gathered.angles.extend, gathered.rows

        def plain(qubits: Qubits, angles: Sequence[Any]) -> GateOperation:
            add(angles)
            return make(next(rows), qubits)

        def controlled(qubits: Qubits, angles: Sequence[Any]) -> GateOperation:
            add(angles)
            return make(next(rows), qubits[1:], qubits[:1], 1)

        return controlled if controls else plain

    def fill(self) -> None:
        """Compute the numbers of all gates made so far.

        Raises:
            NotFiniteError: if an angle is infinite or not a number.
        """
        for gathered in self._gathered.values():
            gathered.fill()


@lru_cache(maxsize=4096)
def _parametric_gate(
    formula: str, controls: int, qubits: Qubits, angles: tuple[int, ...]
) -> Parametric:
    """A gate whose first ``controls`` qubits are controls. Equal ones are one object, in every
    circuit, as gates without parameters are."""
    return Parametric(formula, angles, qubits[controls:], qubits[:controls], (1 << controls) - 1)


def _parametric(fixed: Maker, angles: Angles, formula: Formula, controls: int) -> Maker:
    """Makes parametric gates, and by ``fixed`` those whose angles are all numbers."""
    name, column, index_of = formula.name, angles.column, angles.index_of

    def make(qubits: Qubits, params: Sequence[Any]) -> GateOperation | Parametric:
        param = params[0]
        if type(param) in SYMBOLS and len(params) == 1:  # most gates, in half of the time
            return _parametric_gate(name, controls, qubits, (index_of[param.name],))
        if any(map(is_parametric, params)):
            return _parametric_gate(name, controls, qubits, tuple(map(column, params)))
        return fixed(qubits, params)

    return make


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
