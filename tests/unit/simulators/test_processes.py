"""Forks and interpreter exits around real runs (J34, J40), in real processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_HEAD = """
import atexit, os, sys, threading, time, warnings
from qiskit import QuantumCircuit
import simquay

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads

def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit

def long_circuit(qubits=20):
    circuit = QuantumCircuit(qubits)
    for layer in range(300):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure_all()
    return circuit

backend = simquay.get_backend({name!r})
"""

_FORK = """
first = backend.run(bell(), seed_simulator=1).result().get_counts()
unfinished = backend.run(long_circuit())
while not unfinished.running():
    time.sleep(0.001)
child = os.fork()
if child == 0:
    again = backend.run(bell(), seed_simulator=1).result(30).get_counts()
    try:
        unfinished.result()
    except simquay.errors.SimquayError as error:
        os._exit(0 if again == first and "forked" in str(error) else 2)
    os._exit(3)
_, status = os.waitpid(child, 0)
assert backend.run(bell(), seed_simulator=1).result(30).get_counts() == first
assert unfinished.cancel()
print("child", os.waitstatus_to_exitcode(status))
"""

_EXIT = """
jobs = [backend.run(long_circuit()) for _ in range(4)]
while not jobs[0].running():
    time.sleep(0.001)
time.sleep(0.1)
atexit.register(lambda: print(time.monotonic() - ended, flush=True))
ended = time.monotonic()
"""


def python(name: str, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _HEAD.replace("{name!r}", repr(name)) + program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_j34_runs_before_and_after_a_fork(name: str) -> None:
    done = python(name, _FORK)
    assert done.stdout.strip() == "child 0", done.stderr


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_j40_the_interpreter_exits_while_engines_run(name: str) -> None:
    done = python(name, _EXIT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert float(done.stdout) < 2
