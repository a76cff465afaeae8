"""Which control groups bound a process, and where their files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from simquay.system.cgroups import control_groups, read_file


@pytest.mark.parametrize(
    ("cgroup", "expected"),
    [
        ("0::/a/b", [(2, "a/b"), (2, "a"), (2, "")]),
        ("0::/", [(2, "")]),
        # What cgroup_namespaces(7) shows of a group outside of the namespace's root.
        ("0::/../a", [(2, "a"), (2, "")]),
        ("4:memory,hugetlb:/x\n5:cpuset:/y", [(1, "memory/x"), (1, "memory")]),
        ("3:memory:/x\n0::/", [(1, "memory/x"), (1, "memory"), (2, "")]),
        ("2:cpu:/x", []),
        ("9:name=systemd:/a:b", []),
        ("", []),
    ],
)
def test_the_groups_of_a_process(
    tmp_path: Path, cgroup: str, expected: list[tuple[int, str]]
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup + "\n")
    top = tmp_path / "sys/fs/cgroup"
    found = list(control_groups("memory", tmp_path))
    assert found == [(version, top / folder) for version, folder in expected]


def test_a_system_without_control_groups_has_none(tmp_path: Path) -> None:
    assert not list(control_groups("cpu", tmp_path))


def test_a_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(" 12\n")
    assert read_file(tmp_path / "file") == "12"
    assert read_file(tmp_path / "no file") is None
    assert read_file(tmp_path) is None
