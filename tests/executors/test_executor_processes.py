"""Forks and interpreter exits around jobs that are made of tasks, in real processes (J34, J40)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.processes import cancelled_at_exit

_HEAD = """
import atexit, os, threading, time, warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from qiskit import QuantumCircuit
import simquay

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads

def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit

def long_circuit(layers, qubits=16):
    circuit = QuantumCircuit(qubits)
    for layer in range(layers):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure_all()
    return circuit

backend = simquay.get_backend("numpy")
"""

_FORK = """
split = {"max_shots_per_task": 100, "seed_simulator": 1}
first = backend.run(bell(), **split).result().get_counts()
unfinished = backend.run(long_circuit(200), **split)
while not unfinished.running():
    time.sleep(0.001)
child = os.fork()
if child == 0:
    again = backend.run(bell(), **split).result(60).get_counts()
    with ThreadPoolExecutor(1) as executor:
        third = backend.run(bell(), executor=executor, **split).result(60).get_counts()
    try:
        unfinished.result()
    except simquay.errors.SimquayError as error:
        os._exit(0 if again == third == first and "forked" in str(error) else 2)
    os._exit(3)
_, status = os.waitpid(child, 0)
assert unfinished.cancel()
with ProcessPoolExecutor(1) as executor:  # it forks, where that is the system's way
    assert backend.run(bell(), executor=executor, **split).result(60).get_counts() == first
print("child", os.waitstatus_to_exitcode(status))
"""

_EXIT = """
{executor}
circuit = long_circuit({layers})
job = backend.run([circuit] * 40, executor=executor, max_circuits_per_task=1, shots=10)
while not job.running():
    time.sleep(0.001)

def wait():
    try:
        job.result()
    except BaseException as error:
        print(type(error).__name__, flush=True)

threading.Thread(target=wait).start()  # no daemon: the interpreter joins it
atexit.register(lambda: print(job.status().name, job.progress(), time.monotonic() - ended))
ended = time.monotonic()
"""


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _HEAD + program],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_j34_jobs_in_tasks_before_and_after_a_fork() -> None:
    done = python(_FORK)
    assert done.stdout.strip() == "child 0", done.stderr


@pytest.mark.serial
@pytest.mark.parametrize(
    ("executor", "layers"),
    [
        ("executor = None", 200),
        ("executor = ThreadPoolExecutor(2)", 200),
        ("executor = ProcessPoolExecutor(2)", 5),
    ],
    ids=["own workers", "threads", "processes"],
)
def test_j40_the_interpreter_exits_while_tasks_run_and_wait(executor: str, layers: int) -> None:
    done = python(_EXIT.format(executor=executor, layers=layers))
    assert done.returncode == 0, done.stderr
    if "Process" not in executor:  # Python 3.11's own pool may complain of the exit
        assert re.fullmatch(cancelled_at_exit("1 job was"), done.stderr)
    error, status, progress, seconds = done.stdout.split()
    assert (error, status) == ("JobCancelledError", "CANCELLED")
    assert float(progress) < 0.9  # what was queued was not run to its end
    if "Process" not in executor:  # a task of another process runs to its end, however long
        assert float(seconds) < 2
