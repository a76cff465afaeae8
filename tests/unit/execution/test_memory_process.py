"""A process with a memory limit of its own: runs share it, and what is missing is an error."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import python

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

PROGRAM = """
import resource
import psutil
from qiskit import QuantumCircuit
import simquay
from simquay.execution.memory import host_ledger

def run(width):
    circuit = QuantumCircuit(width, 1)
    circuit.h(range(width))
    circuit.cx(range(width - 1), range(1, width))
    circuit.measure(0, 0)
    return backend.run(circuit, shots=10)

backend = simquay.get_backend("numpy")
used = getattr(psutil.Process().memory_info(), {used!r})
resource.setrlimit({limit}, (used + (800 << 20),) * 2)
jobs = [run(24) for _ in range(6)]  # of 322 MiB each
for job in jobs:
    job.wait_for_final_state()
    print(job.status().name, job.error_message())
large = run(27)
large.wait_for_final_state()
print(large.error_message())
print(sum(run(3).result().get_counts().values()), host_ledger().reserved)
"""


@pytest.mark.parametrize(
    ("limit", "used", "words"),
    [
        ("resource.RLIMIT_AS", "vms", r"address space \(ulimit -v\)"),
        ("resource.RLIMIT_DATA", "data", r"data \(ulimit -d\)"),
    ],
)
def test_jobs_that_fit_one_by_one_wait_and_one_that_never_fits_is_told_the_limit(
    limit: str, used: str, words: str
) -> None:
    done = python("-c", PROGRAM.format(limit=limit, used=used))
    assert done.returncode == 0, done.stderr
    *small, large, last = done.stdout.splitlines()
    assert small == ["DONE None"] * 6
    expected = (
        r".*the run needs 2\.1 GiB of memory, but this machine has only \d+ MiB available, "
        rf"by the limit of [\d.]+ [GM]iB for the process's {words}"
    )
    assert re.match(expected, large), large
    assert last == "10 0"
