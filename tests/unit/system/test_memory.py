"""The host's memory, in all and available: physical memory and the limits of control groups; and
amounts of it in words."""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from simquay.system import memory
from simquay.system.lifecycle import Actions
from simquay.system.memory import (
    format_bytes,
    host_available_bytes,
    host_limit,
    host_spare_bytes,
    host_total_bytes,
    register_cache,
)

MIB = 1 << 20


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 16 MiB, 8 MiB of them available."""
    status = SimpleNamespace(total=16 * MIB, available=8 * MIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: status)
    monkeypatch.setattr(memory, "_caches", Actions())


def a_system(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert host_total_bytes(tmp_path) == 16 * MIB
    assert host_available_bytes(tmp_path) == 8 * MIB
    assert host_limit(tmp_path) == ""
    assert host_spare_bytes() == 0


def test_caches_are_dropped_before_the_system_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[str] = []
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(available=len(dropped) * MIB)
    )
    register_cache(lambda: dropped.append("first"))
    register_cache(lambda: dropped.append("second"))
    assert host_available_bytes(tmp_path) == 2 * MIB
    assert dropped == ["first", "second"]


def test_version_2(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/job/memory.max": f"{4 * MIB}",
        "sys/fs/cgroup/job/memory.current": f"{3 * MIB}",
        "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {1 * MIB}",
        "sys/fs/cgroup/job/step/memory.max": "max",
        "sys/fs/cgroup/job/step/memory.current": "5",
        "sys/fs/cgroup/job/step/memory.stat": "",
    }
    a_system(tmp_path, "0::/job/step", files)
    assert host_total_bytes(tmp_path) == 4 * MIB
    assert host_available_bytes(tmp_path) == 2 * MIB
    assert host_limit(tmp_path) == "the limit of 4 MiB for its control group (memory.max)"


def test_version_2_where_the_kernel_slows_down_before_it_refuses(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/job/memory.max": f"{6 * MIB}",
        "sys/fs/cgroup/job/memory.high": f"{5 * MIB}",
        "sys/fs/cgroup/job/memory.current": f"{3 * MIB}",
        "sys/fs/cgroup/job/memory.stat": "anon 5",
    }
    a_system(tmp_path, "0::/job", files)
    assert host_total_bytes(tmp_path) == 5 * MIB
    assert host_available_bytes(tmp_path) == 2 * MIB
    assert host_limit(tmp_path) == "the limit of 5 MiB for its control group (memory.high)"


def test_version_1(tmp_path: Path) -> None:
    files = {
        # In a container the controller is mounted at its own root, whatever the path says.
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{6 * MIB}",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{7 * MIB}",
        "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {2 * MIB}",
    }
    a_system(tmp_path, "4:cpu,cpuacct:/a\n3:memory:/docker/abc", files)
    assert host_total_bytes(tmp_path) == 6 * MIB
    assert host_available_bytes(tmp_path) == 1 * MIB


def test_a_group_that_is_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/memory.max": f"{2 * MIB}",
        "sys/fs/cgroup/memory.current": f"{3 * MIB}",
        "sys/fs/cgroup/memory.stat": "anon 5",
    }
    a_system(tmp_path, "0::/", files)
    assert host_available_bytes(tmp_path) == 0


def test_a_limit_above_the_machine_is_none(tmp_path: Path) -> None:
    files = {  # the largest number of pages: version 1's word for no limit
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{7 * MIB}",
        "sys/fs/cgroup/memory/memory.stat": "",
    }
    a_system(tmp_path, "3:memory:/", files)
    assert host_total_bytes(tmp_path) == 16 * MIB
    assert host_available_bytes(tmp_path) == 8 * MIB


@pytest.mark.parametrize(("limit", "stat"), [("", ""), ("5", "inactive_file?")])
def test_files_that_make_no_sense_say_nothing(tmp_path: Path, limit: str, stat: str) -> None:
    files = {"memory.max": limit, "memory.current": "1 2", "memory.stat": stat}
    a_system(tmp_path, "0::/", {f"sys/fs/cgroup/{name}": text for name, text in files.items()})
    assert host_total_bytes(tmp_path) == 16 * MIB


def test_the_tightest_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {resource.RLIMIT_AS: 12 * MIB, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda number: (limits[number], 1 << 60))
    info = SimpleNamespace(vms=7 * MIB, data=3 * MIB)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: info))
    assert host_total_bytes(tmp_path) == 12 * MIB
    assert host_available_bytes(tmp_path) == 5 * MIB
    assert "12 MiB for the process's address space" in host_limit(tmp_path)
    assert host_spare_bytes() == 12 * MIB // 8
    limits[resource.RLIMIT_DATA] = 4 * MIB
    assert host_total_bytes(tmp_path) == 4 * MIB
    assert host_available_bytes(tmp_path) == 1 * MIB
    assert "4 MiB for the process's data" in host_limit(tmp_path)
    assert host_spare_bytes() == 4 * MIB // 8
    info.data = 5 * MIB
    assert host_available_bytes(tmp_path) == 0


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (200 * MIB + 300_000, "200 MiB"),
        (1023 * MIB + 1, "1023 MiB"),
        (1 << 30, "1 GiB"),
        ((25 << 30) + (7 << 26), "25.4 GiB"),
        (16 << 60, "16 EiB"),
        (1 << 80, "1 YiB"),
        (16 << 100, "1.68e+07 YiB"),
    ],
)
def test_format_bytes(count: int, text: str) -> None:
    assert format_bytes(count) == text
