"""Factories and probes for the specs that made-up plugins register.

Each target is named by a dotted string, as ``tests.support.fake_backends:make``.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from simquay.errors import BackendUnavailableError
from simquay.plugin import Available, BackendSpec, Unavailable

CALLS: Counter[str] = Counter()
"""How often each probe was called, by its name."""


class FakeBackend(BackendV2):
    """A backend with nothing behind it."""

    def __init__(self, spec: BackendSpec) -> None:
        super().__init__(name=spec.name)
        self.spec = spec

    @property
    def target(self) -> Target:
        return Target(num_qubits=2)

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise AssertionError(f"backend {self.name!r} is made up: no test should run circuits on it")


def make(spec: BackendSpec) -> FakeBackend:
    return FakeBackend(spec)


def make_raising(spec: BackendSpec) -> FakeBackend:
    raise RuntimeError(f"no room for {spec.name}")


def make_unavailable(spec: BackendSpec) -> FakeBackend:
    raise BackendUnavailableError(f"{spec.name} found its device busy")


def make_exiting(spec: BackendSpec) -> FakeBackend:
    sys.exit(7)


def make_interrupted(spec: BackendSpec) -> FakeBackend:
    raise KeyboardInterrupt


def make_junk(spec: BackendSpec) -> Any:
    return {"name": spec.name}


def make_namesake(spec: BackendSpec) -> Any:
    """An object whose class has the name of Qiskit's, and nothing else of it."""
    return type("BackendV2", (), {"__module__": "qiskit.providers.backend"})()


_shared: dict[str, FakeBackend] = {}


def make_shared(spec: BackendSpec) -> FakeBackend:
    return _shared.setdefault(spec.name, FakeBackend(spec))


def probe_yes() -> Available:
    CALLS["probe_yes"] += 1
    return Available({"cores": 3})


def probe_no() -> Unavailable:
    CALLS["probe_no"] += 1
    return Unavailable("the device is not plugged in")


def probe_no_with_hint() -> Unavailable:
    return Unavailable("the driver is too old", hint="update the driver")


def probe_raising() -> Available:
    raise RuntimeError("driver version\nis insufficient")


def probe_exiting() -> Available:
    sys.exit("no device")


def probe_junk() -> Any:
    return True


def probe_wrong_details() -> Available:
    return Available(3)  # type: ignore[arg-type]  # as a careless plugin may


def probe_wrong_reason() -> Unavailable:
    return Unavailable(None)  # type: ignore[arg-type]  # as a careless plugin may


def probe_wordy() -> Unavailable:
    return Unavailable("no device;\n  no driver.", hint="pip install\n.")


def make_liar(spec: BackendSpec) -> Any:
    """A backend whose counts are wrong: its circuits are replaced by one that flips a qubit."""
    from qiskit import QuantumCircuit

    from simquay.simulators.factories import make_numpy

    class Liar(type(make_numpy(spec))):  # type: ignore[misc]  # a class known at run time alone
        def run(self, circuits: Any, **options: Any) -> Any:
            flipped = QuantumCircuit(2)
            flipped.x(0)
            flipped.measure_all()
            return super().run(flipped, **options)

    made = make_numpy(spec)
    made.__class__ = Liar
    return made
