"""Signatures of functions whose annotations cannot be evaluated."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from qiskit.providers import Options

from simquay.jobs.function import FunctionJob
from simquay.simulators.adapted.options import AdaptedOptions
from simquay.system.signatures import signature_of

# Without the __future__ import: Python 3.14 evaluates annotations when they are asked for, and
# earlier ones here and now, where the names are known.
SOURCE = """
class Backend:
    def run(self, circuits: Missing, shots: Missing = 10, *, noise: Missing = None):
        ...

def work(first: Missing, control: Missing = None):
    return first, control is not None
"""


@pytest.fixture
def module() -> SimpleNamespace:
    """The module, whose annotations can no longer be evaluated."""
    names: dict[str, Any] = {"Missing": int}
    exec(compile(SOURCE, "<module>", "exec", dont_inherit=True), names)
    del names["Missing"]
    return SimpleNamespace(**names)


def test_parameters_are_found(module: SimpleNamespace) -> None:
    assert [*signature_of(module.work).parameters] == ["first", "control"]
    assert [*signature_of(module.Backend().run).parameters] == ["circuits", "shots", "noise"]


def test_a_function_gets_its_control(module: SimpleNamespace) -> None:
    job = FunctionJob(module.work, 5)
    job.submit()
    assert job.result() == (5, True)


def test_run_options_of_a_foreign_backend_are_known(module: SimpleNamespace) -> None:
    foreign = module.Backend()
    foreign.options = Options()
    options = AdaptedOptions(foreign)
    assert options.check({"noise": 2, "shots": 5}, running=True) == {"noise": 2, "shots": 5}


def test_annotations_are_evaluated_late_from_python_3_14_on(module: SimpleNamespace) -> None:
    late = sys.version_info >= (3, 14)
    with pytest.raises(NameError) if late else nullcontext():
        _ = module.work.__annotations__
