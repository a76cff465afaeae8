"""A fork while another thread compiles: the child runs, or says why it cannot; it never hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.serial,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

FORK = """
import os, threading
from numba.core.compiler_lock import global_compiler_lock
from qiskit import QuantumCircuit
from qiskit.providers import JobError
from simquay import get_backend
from simquay.system import lifecycle

circuit = QuantumCircuit(13)
circuit.h(range(13))
circuit.cx(range(12), range(1, 13))
circuit.rx(0.3, range(13))
circuit.measure_all()

def counted():
    return sum(get_backend("numba").run(circuit, shots=7).result(120).get_counts().values())

backend = get_backend("numba")
lifecycle._FORK_PATIENCE = {patience}
compiling, over = threading.Event(), threading.Event()
if {patience}:
    jobs = [backend.run(circuit, shots=7) for _ in range(2)]
else:
    def compile():
        with global_compiler_lock:
            compiling.set()
            over.wait()

    threading.Thread(target=compile).start()
    compiling.wait()
    jobs = []
child = os.fork()
if child == 0:
    for _ in range(2):  # the second time as the first, and in a child of the child
        try:
            print(counted(), flush=True)
        except JobError as error:
            print("forked while Numba compiled" in str(error), flush=True)
        if os.fork():
            os.wait()
            os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
over.set()
jobs = jobs or [backend.run(circuit, shots=7)]
print("parent", [sum(job.result(120).get_counts().values()) for job in jobs])
"""


@pytest.mark.parametrize(
    ("patience", "answer", "jobs"),
    [(0, "True", 1)],
    ids=["no patience"],
)
def test_a_fork_during_the_first_compilation(
    tmp_path: Path, patience: int, answer: str, jobs: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK.format(patience=patience)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    assert done.stdout.splitlines() == [
        answer,
        answer,
        f"parent {[7] * jobs}",
    ], done.stderr
