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
    pytest.mark.timeout(900),  # three compilations, on a machine that may be busy
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

FORK = """
import faulthandler, os, threading
from llvmlite import binding
from numba.core import event
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
    return sum(get_backend("numba").run(circuit, shots=7).result().get_counts().values())

class InLlvm(event.Listener):  # called with LLVM's lock held
    def on_start(self, started):
        in_llvm.set()
        if not {patience}:
            forked.wait()

    def on_end(self, ended):
        pass

module = binding.parse_assembly("")
in_llvm, forked = threading.Event(), threading.Event()
backend = get_backend("numba")
lifecycle._FORK_PATIENCE = {patience}
with event.install_listener("numba:llvm_lock", InLlvm()):
    jobs = [backend.run(circuit, shots=7) for _ in range(2)]
    in_llvm.wait()
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(250, exit=True)
    for _ in range(2):  # the second time as the first, and in a child of the child
        module.close()  # as where it is collected: it waits for nobody
        try:
            print(counted(), flush=True)
        except JobError as error:
            print("forked while Numba compiled" in str(error), flush=True)
        if grandchild := os.fork():
            os.waitpid(grandchild, 0)
            os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
forked.set()
print("parent", [sum(job.result().get_counts().values()) for job in jobs])
"""


@pytest.mark.parametrize(
    ("patience", "answer"), [(600, "7"), (0, "True")], ids=["the fork waits", "no patience"]
)
def test_a_fork_during_the_first_compilation(tmp_path: Path, patience: int, answer: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK.format(patience=patience)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=800,
        check=True,
    )
    assert done.stdout.splitlines() == [answer, answer, "parent [7, 7]"], done.stderr
