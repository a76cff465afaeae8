"""Every kind of result that Simquay and Aer give comes back equal, to the last bit."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import DataBin, PrimitiveResult, PubResult
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

import simquay
from simquay.jobs.store.encoding import decoded, encoded
from simquay.primitives import EstimatorV2, SamplerV2

aer = pytest.importorskip("qiskit_aer")
aer_primitives = pytest.importorskip("qiskit_aer.primitives")

SAVES: dict[str, Callable[..., Any]] = {
    "amplitudes": lambda circuit, **how: circuit.save_amplitudes([0, 3], **how),
    "amplitudes_sq": lambda circuit, **how: circuit.save_amplitudes_squared([0, 3], **how),
    "density": lambda circuit, **how: circuit.save_density_matrix(**how),
    "expval": lambda circuit, **how: circuit.save_expectation_value(
        SparsePauliOp.from_list([("ZZ", 0.5), ("XI", 1)]), [0, 1], **how
    ),
    "expval_var": lambda circuit, **how: circuit.save_expectation_value_variance(
        Pauli("ZZ"), [0, 1], **how
    ),
    "mps": lambda circuit, **how: circuit.save_matrix_product_state(**how),
    "probabilities": lambda circuit, **how: circuit.save_probabilities(**how),
    "probabilities_dict": lambda circuit, **how: circuit.save_probabilities_dict(**how),
    "stabilizer": lambda circuit, **how: circuit.save_stabilizer(**how),
    "clifford": lambda circuit, **how: circuit.save_clifford(**how),
    "state": lambda circuit, **how: circuit.save_state(**how),
    "statevector": lambda circuit, **how: circuit.save_statevector(**how),
    "statevector_dict": lambda circuit, **how: circuit.save_statevector_dict(**how),
    "superop": lambda circuit, **how: circuit.save_superop(**how),
    "unitary": lambda circuit, **how: circuit.save_unitary(**how),
}
METHODS = {
    "mps": "matrix_product_state",
    "stabilizer": "stabilizer",
    "clifford": "stabilizer",
    "superop": "superop",
    "unitary": "unitary",
}
OURS = ["density", "expval", "probabilities", "probabilities_dict", "statevector"]
PER_SHOT = ["amplitudes", "density", "mps", "probabilities_dict", "statevector", "stabilizer"]


def parts(value: Any) -> Any:
    """``value`` as nested tuples, in which nothing of its types and bits is lost."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray | np.generic):
        return kind, value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return kind, value.hex()
    if isinstance(value, complex):
        return kind, value.real.hex(), value.imag.hex()
    if isinstance(value, dict):
        items = [(parts(key), parts(one)) for key, one in value.items()]
        return kind, items, parts(getattr(value, "__dict__", None))
    if isinstance(value, list | tuple):
        return kind, [parts(one) for one in value]
    if isinstance(value, Result | ExperimentResult | ExperimentResultData | PrimitiveResult):
        return kind, parts(vars(value))
    if isinstance(value, PubResult):
        return kind, parts(value.data), parts(value.metadata)
    if isinstance(value, DataBin):
        return kind, value.shape, parts(dict(value.items()))
    if value is None or isinstance(value, str | int):
        return kind, value
    return kind, pickle.dumps(value)


def check(result: Any) -> None:
    tree, arrays, lost = encoded(result)
    assert lost == ()
    read = decoded(json.loads(json.dumps(tree, allow_nan=False)), arrays)
    assert parts(read) == parts(result)


def bell(measured: bool) -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, metadata={"point": (1, 2.5), "of": {1: "x"}})
    circuit.h(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("save", SAVES)
def test_saves_of_aer(save: str) -> None:
    circuit = bell(measured=False)
    SAVES[save](circuit)
    if save not in METHODS:
        circuit.measure([0, 1], [0, 1])
    simulator = aer.AerSimulator(method=METHODS.get(save, "statevector"))
    check(simulator.run(circuit, shots=20, memory=True, seed_simulator=1).result())


@pytest.mark.parametrize("save", PER_SHOT)
@pytest.mark.parametrize("conditional", [True, False])
def test_saves_of_aer_for_each_shot(save: str, conditional: bool) -> None:
    circuit = bell(measured=True)
    SAVES[save](circuit, pershot=True, conditional=conditional)
    simulator = aer.AerSimulator(method=METHODS.get(save, "statevector"))
    check(simulator.run(circuit, shots=20, seed_simulator=1).result())


@pytest.mark.parametrize("save", OURS)
@pytest.mark.parametrize("how", [{}, {"pershot": True}, {"pershot": True, "conditional": True}])
def test_saves_of_ours(save: str, how: dict[str, bool]) -> None:
    circuit = bell(measured=bool(how))
    SAVES[save](circuit, **how)
    check(simquay.get_backend("numpy").run([circuit, bell(True)], shots=20, memory=True).result())


def test_results_of_primitives() -> None:
    backend = simquay.get_backend("numpy")
    check(SamplerV2(backend).run([bell(True), (bell(True), None, 7)], shots=20).result())
    check(EstimatorV2(backend).run([(bell(False), [["ZZ"], ["XX"]])]).result())
    check(aer_primitives.SamplerV2(seed=1).run([bell(True)], shots=20).result())
    check(aer_primitives.EstimatorV2().run([(bell(False), ["ZZ", "XX"])]).result())


def test_aers_own_classes_are_qiskits_where_there_is_no_aer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuit = bell(measured=False)
    circuit.save_statevector()
    data = aer.AerSimulator().run(circuit).result().data(0)
    tree, arrays, _ = encoded(data)
    monkeypatch.setitem(sys.modules, "qiskit_aer.backends", None)  # an import of it fails
    read = decoded(tree, arrays)["statevector"]
    assert type(read) is Statevector
    assert np.array_equal(read.data, np.asarray(data["statevector"]))


def test_the_comparison_sees_a_bit() -> None:
    one, two = (Result(results=[], x=np.array([value])) for value in (0.1, np.nextafter(0.1, 1)))
    assert parts(one) != parts(two)
    assert parts({"a": 1}) != parts({"a": True})
