"""``import simquay`` is light, and the half without Qiskit runs where Qiskit is not installed."""

from __future__ import annotations

import json
import pkgutil
import re
import subprocess
import sys
from importlib import import_module

import pytest

HEAVY = {"qiskit", "numba", "cupy", "rich", "numpy", "matplotlib", "pluggy", "psutil", "rustworkx"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an interpreter with the arguments; it must end well."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def imported(statement: str) -> set[str]:
    """The top-level packages that ``python -X importtime`` says a statement imports."""
    report = run("-X", "importtime", "-c", statement).stderr
    modules = re.findall(r"^import time: .*\| +(\S+)$", report, re.MULTILINE)
    return {module.partition(".")[0] for module in modules}


def test_the_report_is_read_rightly() -> None:
    assert {"simquay", "numpy"} <= imported("import simquay, numpy")


@pytest.mark.parametrize(
    "statement",
    [
        "import simquay",
        "import simquay; simquay.backends",
        "import simquay; simquay.errors.SimquayError; simquay.__version__",
        "import simquay.simulators",
        "from simquay import get_backend, backends",
    ],
)
def test_import_simquay_is_light(statement: str) -> None:
    packages = imported(statement)
    assert "simquay" in packages
    assert not packages & HEAVY


def test_the_provider_and_a_listing_are_light() -> None:
    # Other plugins' probes may import what they like; Simquay's own import nothing.
    packages = imported(
        "import os; os.environ['SIMQUAY_LOAD_PLUGINS'] = 'simquay'\n"
        "import simquay; assert simquay.backends('numpy')"
    )
    assert not packages & (HEAVY - {"pluggy"})


# --- without Qiskit ---------------------------------------------------------------------------

WITHOUT_QISKIT = """
import sys

class Refuse:
    REFUSED = {"qiskit", "qiskit_aer", "rich", "matplotlib", "numba", "cupy", "rustworkx"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""

ROOMS = ("system", "program", "planning", "engines", "execution", "registry")
SINGLE = ("errors", "control", "plugin", "engine_api", "testing.engines")


def qiskit_free_modules() -> list[str]:
    names = [f"simquay.{name}" for name in SINGLE]
    for room in ROOMS:
        package = import_module(f"simquay.{room}")
        names.append(package.__name__)
        names += [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return names


def test_the_refusal_works() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_QISKIT + "import qiskit"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "No module named 'qiskit'" in done.stderr


def test_every_module_of_the_lower_half_imports_without_qiskit() -> None:
    modules = qiskit_free_modules()
    assert {"simquay.registry.selection", "simquay.program.program"} <= set(modules)
    done = run("-c", WITHOUT_QISKIT + f"for name in {modules!r}: __import__(name)\nprint('done')")
    assert done.stdout == "done\n"


def test_a_listing_without_qiskit_says_why() -> None:
    code = """
import json, os
os.environ["SIMQUAY_LOAD_PLUGINS"] = "simquay"
import simquay
row = simquay.backends("numpy", all=True)[0]
try:
    simquay.get_backend("numpy")
except simquay.errors.BackendUnavailableError as error:
    print(json.dumps([row.status, row.reason, str(error)]))
"""
    status, reason, error = json.loads(run("-c", WITHOUT_QISKIT + code).stdout)
    assert (status, reason) == ("unavailable", "Qiskit is not installed")
    assert "Qiskit is not installed. Try: pip install 'qiskit" in error


RUN = """
import numpy as np

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.settings import RunContext
from simquay.execution.run import run_program
from simquay.program import IfElse, Matrix, Measure, Permutation, Program
from simquay.program.expressions import BitRef

h = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
x = np.array([1, 0])
straight = Program(3, 2, (Matrix(h, (0,)), Permutation(x, (2,), controls=(0,), control_state=1)))
# Bit 0 is a coin; where it fell on 1, qubit 1 is flipped, so bit 1 is the same.
dynamic = Program(
    2,
    2,
    (
        Matrix(h, (0,)),
        Measure(0, 0),
        IfElse(BitRef(0), (Permutation(x, (1,)),)),
        Measure(1, 1),
    ),
)
counts = []
for engine in (ReferenceEngine(), DenseEngine()):
    outcome = run_program(straight, engine, RunContext(wanted={"statevector": True}), Control())
    expected = np.zeros(8)
    expected[[0b000, 0b101]] = np.sqrt(0.5)
    assert np.allclose(outcome["statevector"], expected, atol=1e-12), outcome["statevector"]
    outcome = run_program(dynamic, engine, RunContext(shots=1000, seed=7), Control())
    values, times = np.unique(outcome["samples"][:, 0], return_counts=True)
    counts.append(dict(zip(values.tolist(), times.tolist())))
assert counts[0] == counts[1], counts
assert set(counts[0]) == {0b00, 0b11}, counts
assert not [name for name in sys.modules if name.startswith("qiskit")]
print("ran")
"""


def test_programs_run_without_qiskit() -> None:
    # Both outcomes of 1000 fair coins are seen: the chance of a miss is 2**-999, and the seed is
    # fixed.
    assert run("-c", WITHOUT_QISKIT + RUN).stdout == "ran\n"
