"""A worker process that is wanted while the process has no descriptor left."""

from __future__ import annotations

import pytest

from tests.support.processes import python

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

PROGRAM = """
import os, resource
from qiskit import QuantumCircuit
import simquay

circuit = QuantumCircuit(1, 1)
circuit.x(0)
circuit.measure(0, 0)

def told(backend):
    job = backend.run(circuit, shots=5)
    job.wait_for_final_state(60)
    return job.error_message() or job.result().get_counts()

backends = [simquay.get_backend(name) for name in ("basic", "numpy")]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
held = []
while True:
    try:
        held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        break
print(told(backends[0]))
told(backends[1])
for one in held:
    os.close(one)
print(*map(told, backends), *map(told, backends))
print(len(os.listdir("/proc/self/fd")))
"""


def test_a_job_says_that_there_is_none_and_the_next_one_runs() -> None:
    done = python("-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    refused, later, left = done.stdout.splitlines()
    assert refused.startswith("no worker process can be started: OSError: [Errno 24] Too many open")
    assert later == " ".join(["{'1': 5}"] * 4)
    assert int(left) < 16  # nothing was leaked
