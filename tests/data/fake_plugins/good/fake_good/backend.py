"""A backend with a Target and nothing behind it."""

from typing import Any

from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from simquay.plugin import BackendSpec


class FakeBackend(BackendV2):
    """It refuses to run."""

    def __init__(self, spec: BackendSpec) -> None:
        super().__init__(name=spec.name, description=spec.description)
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
