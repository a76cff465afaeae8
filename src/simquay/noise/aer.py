"""Noise models of Aer, by the object's public parts or by its dictionary. Aer is not imported.

Aer applies errors as follows, and so does this module:

- An instruction with a label has the errors of the label, never those of its name. Where there are
  errors of exactly its qubits, in their order, those of all qubits do not apply.
- Quantum errors act behind an instruction, but before a measurement.
- An error on fewer qubits than the instruction has acts on the first of them.
- A readout error of several qubits applies where one instruction measures just these; Qiskit's
  ``Measure`` measures one.
- Instructions that are channels have no errors, nor have barriers.
- Custom passes change the outermost level of the circuit before it is run. What they insert has no
  errors but those of its own name.

Two things differ. Aer takes the Pauli string of a ``pauli`` instruction for its label, so that
errors of ``pauli`` never apply; here they do. The pass that relaxes qubits in delays is
:meth:`NoiseModel.relaxation` here, which acts in the blocks of control flow, too.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp, expm1, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit.exceptions import QiskitError
from qiskit.transpiler import PassManager

from simquay.errors import NoiseModelError
from simquay.noise import device
from simquay.noise.channels import as_probabilities, placed_of
from simquay.noise.decomposition import operators_of, simplified
from simquay.noise.model import Errors, NoiseModel, Placed
from simquay.program.channels import Mixture
from simquay.program.formulas import freeze

__all__ = ["AerModel"]

_IDEAL = {"barrier", "kraus", "quantum_channel", "roerror", "superop"}

_Qubits = tuple[int, ...]


class AerModel(NoiseModel):
    """The noise of what ``to_dict`` of Aer's ``NoiseModel`` gives, in either of its forms.

    Args:
        description: the dictionary. Its quantum errors are read when they are first asked for.
        passes: the model's custom passes, in their order, which a dictionary lacks.

    Raises:
        NoiseModelError: if it is no such dictionary, or a readout table is none, or of another
            width than its qubits.
    """

    def __init__(self, description: Mapping[str, Any], passes: Sequence[Any] = ()) -> None:
        self._quantum: dict[str, dict[_Qubits | None, list[Mapping[str, Any]]]] = {}
        self._readout: dict[_Qubits | None, NDArray[np.float64]] = {}
        self._placed: dict[bytes, tuple[Placed, ...]] = {}
        self._shared: dict[tuple[object, ...], Errors] = {}
        try:
            for error in description["errors"]:
                self._add(error)
        except NoiseModelError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NoiseModelError(
                f"The noise model is no dictionary of one ({type(error).__name__}: {error}); "
                "expected what to_dict() of Aer's NoiseModel gives: 'errors', a list of "
                "dictionaries with 'type', 'operations' and 'probabilities'."
            ) from error
        super().__init__([*self._quantum, *(["measure"] if self._readout else [])])
        self._passes = [one for one in passes if not _relaxes_delays(one)]
        self._times: list[tuple[float, float, float]] = []
        for one in passes:
            if _relaxes_delays(one):
                self._times = [*zip(one._t1s, one._t2s, one._p1s, strict=True)]
                self.dt = one._dt

    def _add(self, error: Mapping[str, Any]) -> None:
        places = error.get("gate_qubits")
        where = [None] if places is None else [tuple(map(int, qubits)) for qubits in places]
        if error["type"] == "roerror":
            self._readout |= {qubits: _table(error["probabilities"], qubits) for qubits in where}
        elif error["type"] in ("plerror", "qerror"):
            names = error["operations"]
            for name in {*([names] if isinstance(names, str) else names)} - _IDEAL:
                by_qubits = self._quantum.setdefault(name, {})
                for qubits in where:
                    by_qubits.setdefault(qubits, []).append(error)
        else:
            raise NoiseModelError(
                f"The noise model has an error of type {error['type']!r}; expected 'qerror', "
                "'plerror' or 'roerror'."
            )

    def find(self, name: str, label: str | None, qubits: _Qubits) -> Errors | None:
        """See :meth:`NoiseModel.find`."""
        known = label or name
        by_qubits = self._quantum.get(known, {})
        errors = by_qubits.get(qubits) or by_qubits.get(None, [])
        maps = [self._maps(error, f"the error of {known!r}") for error in errors]
        placed = tuple(one for some in maps for one in some)
        width = 1 + max((place for _, places in placed for place in places), default=0)
        if width > len(qubits):
            raise NoiseModelError(
                f"The error of {known!r} acts on {width} qubits, but the instruction on "
                f"{len(qubits)}. Add it for an instruction of its width."
            )
        measures = name == "measure"
        misread = self._readout.get(qubits) if measures else None
        if misread is None and measures and len(qubits) == 1:
            misread = self._readout.get(None)
        if not placed and misread is None:
            return None
        before, after = (placed, ()) if measures else ((), placed)
        key = measures, id(misread), *map(id, maps)  # of objects that this model keeps
        return self._shared.setdefault(key, Errors(before, after, misread))

    def _maps(self, error: Mapping[str, Any], name: str) -> tuple[Placed, ...]:
        """The maps of an error; equal errors of other qubits or names have the same."""
        key = pickle.dumps([error.get(part) for part in ("instructions", "probabilities", "rates")])
        if key not in self._placed:
            self._placed[key] = placed_of(error, name)
        return self._placed[key]

    @property
    def relaxes(self) -> bool:
        """See :attr:`NoiseModel.relaxes`."""
        return bool(self._times)

    def relaxation(self, qubit: int, seconds: float) -> Mixture | None:
        """See :meth:`NoiseModel.relaxation`."""
        if qubit >= len(self._times):
            return None
        t1, t2, excited = self._times[qubit]
        if not excited:
            return device.relaxation(t1, t2, seconds)
        return _warm_relaxation(t1, t2, excited, seconds) if seconds and t1 < inf else None

    def prepared(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """See :meth:`NoiseModel.prepared`.

        Raises:
            NoiseModelError: if a pass refuses the circuit.
        """
        if not any(_changes(one, circuit) for one in self._passes):
            return circuit
        try:
            return PassManager(self._passes).run(circuit)
        except (QiskitError, TypeError) as error:
            raise NoiseModelError(f"A pass of the noise model fails: {error}") from error

    @property
    def is_ideal(self) -> bool:
        """See :attr:`NoiseModel.is_ideal`."""
        return not self._passes and super().is_ideal


def _table(probabilities: Any, qubits: _Qubits | None) -> NDArray[np.float64]:
    """A readout table, of one qubit where it is that of all qubits."""
    name = "a readout error" if qubits is None else f"the readout error of {qubits}"
    table = as_probabilities(probabilities, name)
    size = 2 ** (1 if qubits is None else len(qubits))
    if table.shape != (size, size):
        raise NoiseModelError(
            f"The table of {name} has the shape {table.shape}; expected {(size, size)}: a row for "
            "each true value, with the probability of each recorded one."
        )
    return freeze(table)


def _relaxes_delays(one: Any) -> bool:
    """Whether a pass is Aer's relaxation of delays; it has no public parts."""
    parts = ("_t1s", "_t2s", "_p1s", "_dt")
    return getattr(one, "_ops", None) == (Delay,) and all(hasattr(one, name) for name in parts)


def _changes(one: Any, circuit: QuantumCircuit) -> bool:
    """Whether a pass may change the circuit: one of Aer's says for which kinds of instructions."""
    kinds = getattr(one, "_ops", ())
    return not kinds or any(isinstance(item.operation, kinds) for item in circuit.data)


@lru_cache(maxsize=4096)
def _warm_relaxation(t1: float, t2: float, excited: float, seconds: float) -> Mixture:
    """Relaxation to a state in which ``|1>`` has the probability ``excited``."""
    moved = -expm1(-seconds / t1)
    choi = np.diag([1 - moved * excited, moved * (1 - excited), moved * excited, 0j])
    choi[3, 3] = 1 - moved * (1 - excited)
    choi[0, 3] = choi[3, 0] = exp(-seconds / t2)
    return simplified(Mixture(np.ones(1), (operators_of(choi),)))
