"""How a backend was chosen, in the metadata of its jobs."""

from __future__ import annotations

from types import SimpleNamespace

from qiskit import QuantumCircuit

from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend


def test_a_fallback_is_told_with_its_reason() -> None:
    backend = EngineBackend(ReferenceEngine(), name="reference")

    def told() -> object:
        return backend.run(QuantumCircuit(1)).metadata["fallback"]

    assert told() is None
    taken = SimpleNamespace(
        requested="gpu",
        fallback_from="cupy",
        reason="no GPU",
        distribution="simquay",
        name="reference",
    )
    backend.simquay_resolution = taken
    assert told() == {"requested": "gpu", "from": "cupy", "reason": "no GPU"}
    taken.fallback_from = None
    assert told() is None
