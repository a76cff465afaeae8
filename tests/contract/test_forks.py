"""Forks at any moment of a process whose threads import, compile and run circuits."""

from __future__ import annotations

import os

import pytest

from tests.support.processes import python

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

FORKS = """
import faulthandler, os, random, threading, time, traceback
from qiskit import QuantumCircuit
from qiskit.providers import JobError
import simquay

NAMES = {names}
draw = random.Random({seed})

def circuit(size):
    made = QuantumCircuit(size)
    made.h(range(size))
    made.cx(range(size - 1), range(1, size))
    made.measure_all()
    return made

def work(name):
    while True:
        for size in (4, 13, 18):
            simquay.get_backend(name).run(circuit(size), shots=1000).result()

def in_the_child(name):
    faulthandler.dump_traceback_later(400, exit=True)
    try:
        simquay.get_backend(name).run(circuit(13), shots=10).result()
    except JobError as error:
        print("JobError", error, flush=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

circuit(4)  # the first of a process: a child that is forked meanwhile hangs in Qiskit's own code
for name in NAMES:
    threading.Thread(target=work, args=[name], daemon=True).start()
wrong = []
for number in range({count}):
    time.sleep(0.3 * draw.random())
    name = draw.choice(NAMES)
    child = os.fork()
    if child == 0:
        in_the_child(name)
    _, status = os.waitpid(child, 0)
    if status:
        wrong.append((number, name, status))
print("wrong", wrong, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("names", "count"),
    [(["numpy"], 20), (["numba", "numpy"], 20), (["aer", "basic"], 8)],
    ids=["numpy", "numba", "adapted"],
)
def test_a_child_runs_a_circuit_or_says_why_not(names: list[str], count: int) -> None:
    # Kernels may be compiled, in the parent and in children, on a machine that is busy.
    code = FORKS.format(names=names, seed=15, count=count)
    done = python("-W", "ignore", "-c", code, timeout=850)
    assert done.stdout.splitlines()[-1:] == ["wrong []"], done.stderr


IMPORTS = """
import sys
from importlib.abc import MetaPathFinder
from qiskit import QuantumCircuit, transpile
import simquay
from simquay.system import lifecycle

class Watched(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if not any(lock()._is_owned() for lock, _ in lifecycle._held_at_fork):
            print(name, flush=True)

backend = simquay.get_backend("{name}")
circuits = []
for size in (2, 4, 14):
    circuit = QuantumCircuit(size, size + 1)
    circuit.h(range(size))
    circuit.measure(0, size)
    circuit.cx(range(size - 1), range(1, size))
    circuit.rx(0.3, range(size))
    circuit.measure(range(size), range(size))
    circuits.append(transpile(circuit, backend, optimization_level=0))
sys.meta_path.insert(0, Watched())
for _ in range(2):
    backend.run(circuits, shots=9, memory=True).result().get_counts()
backend.run(circuits, shots=9).cancel()
too_wide = QuantumCircuit(40, 40)
too_wide.h(range(40))
too_wide.measure(range(40), range(40))
try:
    backend.run(too_wide).result()
except simquay.errors.SimquayError:
    pass
"""


@pytest.mark.parametrize("name", ["numpy", "numba", "aer", "basic"])
def test_a_fork_waits_for_all_that_a_job_imports(name: str) -> None:
    """A child hangs where it needs a module that a thread of its parent was importing."""
    done = python("-W", "ignore", "-c", IMPORTS.format(name=name), timeout=850)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
