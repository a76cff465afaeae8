"""The first use from many threads, and in a child that was forked meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simquay.provider import Provider
from tests.support.fake_plugins import FakeSites


def test_plugins_load_and_probes_run_once(sites: FakeSites) -> None:
    code = """
import time
from simquay.plugin import Available, BackendSpec, hookimpl

calls = []

@hookimpl
def simquay_register_backends():
    calls.append("hook")
    time.sleep(0.05)
    return [BackendSpec(name="slow", device="cpu", factory="tests.support.fake_backends:make",
                        probe="fake_slow:probe")]

def probe():
    calls.append("probe")
    time.sleep(0.05)
    return Available()
"""
    sites.write("fake-slow", modules={"fake_slow": code})
    provider = Provider()
    threads = 16
    together = threading.Barrier(threads)

    def ask(_: int) -> object:
        together.wait()
        return provider.get_backend("slow")

    with ThreadPoolExecutor(threads) as pool:
        backends = list(pool.map(ask, range(threads)))
    assert sys.modules["fake_slow"].calls == ["hook", "probe"]
    assert len({id(backend) for backend in backends}) == threads


FORK = """
import os, sys, threading, time
import fake_gate
from simquay.registry import Registry
from simquay.system import lifecycle

registry = Registry()
loader = threading.Thread(target=registry.plugins, daemon=True)
loader.start()
assert fake_gate.inside.wait(30)  # the loader holds the lock, in the plugin's hook
lifecycle._FORK_PATIENCE = {patience}
timer = threading.Timer({seconds}, fake_gate.leave.set)
timer.daemon = True
timer.start()
child = os.fork()
assert (registry._manager is not None) == {loaded}
if child == 0:
    fake_gate.leave.set()
    os._exit(0 if registry.backends("gated", all=True) else 1)
fake_gate.leave.set()
loader.join()
assert registry.backends("gated", all=True)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(
    "gate",
    [
        {"patience": 30, "seconds": 0.3, "loaded": True},  # what is imported is whole
        {"patience": 0.1, "seconds": 20, "loaded": False},  # the child has a new lock
    ],
    ids=["waits", "does not wait for ever"],
)
def test_a_fork_while_another_thread_loads(sites: FakeSites, gate: dict[str, object]) -> None:
    code = """
import threading
from simquay.plugin import BackendSpec, hookimpl

inside, leave = threading.Event(), threading.Event()

@hookimpl
def simquay_register_backends():
    inside.set()
    leave.wait(30)
    return [BackendSpec(name="gated", device="cpu", factory="tests.support.fake_backends:make")]
"""
    site = sites.write("fake-gate", modules={"fake_gate": code})
    run(FORK.format(**gate), site)


def run(code: str, *path: Path) -> None:
    """Run ``code`` in an interpreter of its own, with ``path`` in front."""
    start = f"import sys; sys.path[:0] = {[str(folder) for folder in path]!r}\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", start + code],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
