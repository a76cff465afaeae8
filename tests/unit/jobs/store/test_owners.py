"""Owners: a process lives as long as its lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simquay.jobs.store.owners import is_alive, own_name
from tests.support.paths import ROOT

HOLDER = f"""
import sys, time, os
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from simquay.jobs.store.owners import own_name
print(own_name(Path(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_this_process_lives_however_often_it_is_asked(tmp_path: Path) -> None:
    name = own_name(tmp_path)
    assert own_name(tmp_path) == name
    assert own_name(tmp_path / "other") != name
    assert is_alive(tmp_path, name)
    assert is_alive(tmp_path, name)


def test_nobody_is_dead(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "0" * 32)


def test_a_killed_process_is_dead(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert holder.stdout is not None
    name = holder.stdout.readline().strip()
    assert is_alive(tmp_path, name)
    assert is_alive(tmp_path, name)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not is_alive(tmp_path, name)


def test_a_process_that_ends_well_leaves_no_file(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    assert holder.stdout is not None
    name = holder.stdout.readline().strip()
    assert (tmp_path / "owners" / name).exists()
    holder.communicate("\n")
    assert not (tmp_path / "owners" / name).exists()
    assert not is_alive(tmp_path, name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_is_another_and_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    """The parent dies while its child goes on."""
    code = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from simquay.jobs.store.owners import is_alive, own_name
store = Path(sys.argv[1])
mine = own_name(store)
if os.fork():
    os._exit(0)
while os.getppid() == int(sys.argv[2]):
    time.sleep(0.001)
while is_alive(store, mine):
    time.sleep(0.001)
print(own_name(store) != mine, is_alive(store, own_name(store)))
"""
    code = code.replace("int(sys.argv[2])", "parent").replace(
        "mine = own", "parent = os.getpid()\nmine = own"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "True True\n", done.stderr
