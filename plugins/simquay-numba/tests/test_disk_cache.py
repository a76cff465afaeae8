"""Faults of the disk and of the files of compiled kernels: results are right all the same."""

from __future__ import annotations

import errno
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core import caching, config

from simquay.errors import SimquayCacheWarning
from simquay_numba import disk_cache
from simquay_numba.disk_cache import KernelCache, NoCache

COMPILING = "compiling kernels, once on this machine: about 10 seconds"


def plus_one(number):
    return number + 1


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(disk_cache, "_told", False)
    disk_cache._tell_compiling.cache_clear()
    return tmp_path


def new_kernel() -> Any:
    """The function as a new process has it: not compiled yet, perhaps in the cache."""
    kernel = numba.njit(plus_one)
    kernel._cache = KernelCache(plus_one)
    return kernel


def uncached_kernel() -> Any:
    """The function where no folder can hold a cache."""
    kernel = numba.njit(plus_one)
    kernel._cache = NoCache(OSError("no folder"))
    return kernel


def comes_from_disk() -> bool:
    kernel = new_kernel()
    assert kernel(1) == 2
    return bool(kernel.stats.cache_hits)


def the_file(folder: Path, suffix: str) -> Path:
    (path,) = folder.rglob(f"*{suffix}")
    return path


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeros_at_the_end(path: Path) -> None:
    """As after a crash of the machine: the length was written, the last blocks were not."""
    content = path.read_bytes()
    kept = 2 * len(content) // 3
    path.write_bytes(content[:kept] + bytes(len(content) - kept))


def flip_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def wrong_type(path: Path) -> None:
    path.write_bytes(pickle.dumps(numba.__version__) + pickle.dumps(5))


DAMAGE: list[Callable[[Path], object]] = [
    halve,
    zeros_at_the_end,
    wrong_type,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"garbage\n" * 50),
]
NAMES = ["half", "zeros", "wrong type", "empty", "garbage"]


def test_a_kernel_is_kept_for_the_next_process(caplog: pytest.LogCaptureFixture) -> None:
    assert not comes_from_disk()
    assert caplog.messages == [COMPILING]
    disk_cache._tell_compiling.cache_clear()  # as in that process
    assert comes_from_disk()
    assert caplog.messages == [COMPILING]


@pytest.mark.parametrize("kernels", [new_kernel, uncached_kernel])
def test_compiling_is_told_once(
    caplog: pytest.LogCaptureFixture, kernels: Callable[[], Any]
) -> None:
    kernel = kernels()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimquayCacheWarning)
        assert (kernel(1), kernel(1.5)) == (2, 2.5)
    assert caplog.messages == [COMPILING]


@pytest.mark.parametrize("damage", DAMAGE, ids=NAMES)
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_is_made_anew(
    folder: Path, damage: Callable[[Path], object], suffix: str
) -> None:
    comes_from_disk()
    damage(the_file(folder, suffix))
    with pytest.warns(SimquayCacheWarning, match="could not be read .* written anew") as caught:
        assert not comes_from_disk()
    assert len(caught) == 1
    assert comes_from_disk()


def test_damage_that_a_pickle_does_not_show_is_seen(folder: Path) -> None:
    comes_from_disk()
    flip_one_bit(the_file(folder, ".nbc"))  # in the machine code
    with pytest.warns(SimquayCacheWarning, match="wrong checksum"):
        assert not comes_from_disk()
    assert comes_from_disk()


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_file_that_holds_nothing_is_written_over(folder: Path, suffix: str) -> None:
    comes_from_disk()
    the_file(folder, suffix).write_bytes(pickle.dumps(None))
    assert not comes_from_disk()
    assert comes_from_disk()


def test_an_index_without_its_data_is_no_fault(folder: Path) -> None:
    comes_from_disk()
    the_file(folder, ".nbc").unlink()
    assert not comes_from_disk()
    assert comes_from_disk()


def test_the_cache_of_another_version_of_numba_is_written_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(numba, "__version__", "0.1")
        comes_from_disk()
    assert not comes_from_disk()
    assert comes_from_disk()


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_folder_in_the_place_of_a_file(folder: Path, suffix: str) -> None:
    comes_from_disk()
    path = the_file(folder, suffix)
    path.unlink()
    path.mkdir()
    with pytest.warns(SimquayCacheWarning, match="cannot be kept in .* set NUMBA_CACHE_DIR"):
        assert not comes_from_disk()
    assert not comes_from_disk()  # and no second warning: it would be an error here


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("fails", ["open", "replace", "write"])
def test_a_file_that_cannot_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str, code: int
) -> None:
    real_open = open

    def no(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    def opened(path: Any, mode: str = "r") -> Any:
        if "w" not in mode:
            return real_open(path, mode)
        if fails == "open":
            no()
        file = real_open(path, mode, buffering=0)
        return _Refusing(file, no) if fails == "write" else file

    monkeypatch.setattr(caching, "open", opened, raising=False)
    if fails == "replace":
        monkeypatch.setattr(os, "replace", no)
    with pytest.warns(SimquayCacheWarning, match="cannot be kept") as caught:
        assert not comes_from_disk()
    assert len(caught) == 1
    assert not comes_from_disk()  # told once
    monkeypatch.undo()
    assert not [*folder.rglob("*.tmp.*")]


class _Refusing:
    """A file that refuses what is written to it."""

    def __init__(self, file: Any, refuse: Callable[..., None]) -> None:
        self._file = file
        self.write = refuse

    def __enter__(self) -> _Refusing:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_an_unreadable_file_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comes_from_disk()
    index = the_file(folder, ".nbi")
    before = index.stat().st_mtime_ns

    def opened(path: Any, mode: str = "r") -> Any:
        if Path(path) == index and index.exists() and index.stat().st_mtime_ns == before:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open(path, mode)

    monkeypatch.setattr(caching, "open", opened, raising=False)
    with pytest.warns(SimquayCacheWarning, match="could not be read .*Permission denied"):
        assert not comes_from_disk()
    assert comes_from_disk()


def test_a_process_without_descriptors_removes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comes_from_disk()

    def opened(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(caching, "open", opened, raising=False)
    with pytest.warns(SimquayCacheWarning, match="cannot be kept"):
        assert not comes_from_disk()
    monkeypatch.delattr(caching, "open")
    assert comes_from_disk()


def test_where_warnings_are_errors_the_fault_is_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    comes_from_disk()
    halve(the_file(folder, ".nbc"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not comes_from_disk()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert caplog.messages[0] == COMPILING


def test_signatures_do_not_share_a_file(folder: Path) -> None:
    """Two processes that compile for different types at once must not name one file."""
    for value in (1, 1.5):
        new_kernel()(value)
    assert len([*folder.rglob("*.nbi")]) == len([*folder.rglob("*.nbc")]) == 2
    kernel = new_kernel()
    assert (kernel(2), kernel(2.5)) == (3, 3.5)
    assert sum(kernel.stats.cache_hits.values()) == 2


# --- whole processes ------------------------------------------------------------------------------

RUN = """
import json, sys, warnings
from qiskit import QuantumCircuit
from simquay import get_backend
{before}
circuit = QuantumCircuit(13)
circuit.x(range(0, 13, 2))
circuit.h(1)
circuit.rx(0.3, range(13))
circuit.rx(-0.3, range(13))
circuit.h(1)
circuit.measure_all()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(json.dumps(get_backend("numba").run(circuit, shots=5).result().get_counts()))
print(sum(one.category.__name__ == "SimquayCacheWarning" for one in caught))
"""


def run(folder: Path, before: str = "") -> tuple[dict[str, int], int]:
    """The counts of a run in a new process, and the number of its warnings of the cache."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(before=before)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    counts, number = done.stdout.splitlines()
    return json.loads(counts), int(number)


COUNTS = {"1010101010101": 5}


@pytest.mark.slow
def test_a_run_ends_under_a_limit_on_the_size_of_files(folder: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    assert run(folder, limit) == (COUNTS, 1)
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_run_ends_where_no_folder_can_hold_a_cache(folder: Path) -> None:
    none = """
from numba.core import caching
for locator in caching.CacheImpl._locator_classes:
    locator.from_function = classmethod(lambda cls, function, file: None)
"""
    assert run(folder, none) == (COUNTS, 1)


@pytest.mark.slow
def test_processes_that_write_at_once_and_then_find_all_files_cut(folder: Path) -> None:
    answers: list[Any] = []
    both = [threading.Thread(target=lambda: answers.append(run(folder))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers == [(COUNTS, 0)] * 2
    assert run(folder) == (COUNTS, 0)
    for path in folder.rglob("*.nb[ic]"):
        halve(path)
    assert run(folder) == (COUNTS, 1)
