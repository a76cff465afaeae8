"""The benchmarks of the GPU run from end to end on a stand-in for CuPy: a GPU is too rare to find
out there that a script has a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from host_device import HostDevice, find_compiler

from simquay_cupy.engine import CupyEngine

CHECKOUT = Path(__file__).resolve().parents[3]
HELPERS = Path(__file__).resolve().parent / "support"

SCRIPT = """
import importlib, sys
from pathlib import Path
import fake_cupy
fake_cupy.install(Path(sys.argv[1]))
module = importlib.import_module(sys.argv[2])
sys.argv = sys.argv[2:]
module.main()
"""

pytestmark = pytest.mark.skipif(
    not (CHECKOUT / "benchmarks/gpu/engine.py").exists(), reason="this is no checkout"
)


def run(
    make_host_engine: Callable[[], CupyEngine], tmp_path: Path, module: str, *options: str
) -> Any:
    """Run a benchmark on the stand-in; what it saved."""
    device = make_host_engine().on
    assert isinstance(device, HostDevice)
    report = tmp_path / "gpu.json"
    paths = [str(CHECKOUT), str(HELPERS), str(tmp_path), os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-c", SCRIPT, str(device.path), module, *options]
    done = subprocess.run(
        [*command, "--commit", "abc", "--json", str(report)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    assert done.returncode == 0, done.stderr
    saved = json.loads(report.read_text(encoding="utf-8"))
    assert saved["facts"]["commit"] == "abc"
    assert done.stdout.count("\n|---|") == len(saved) - 1
    return saved


def test_large_states(make_host_engine: Callable[[], CupyEngine], tmp_path: Path) -> None:
    """With a peer that cannot be loaded: the rows have the rest, and say so."""
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel/libcustatevec.so.1").write_text("no library", encoding="ascii")
    options = ["--qubits", "13", "6", "--families", "qft", "tfim", "--repeats", "1"]
    options += ["--check-qubits", "5", "12", "--cpu-qubits", "5", "--custatevec", str(tmp_path)]
    saved = run(make_host_engine, tmp_path, "benchmarks.gpu.engine", *options)
    assert len(saved["checks"]) == 4
    for row in saved["checks"]:
        assert row["single"] < 1e-5
        assert row["double"] < 1e-12
    assert len(saved["rows"]) == 8
    for row in saved["rows"]:
        assert row["norm"] == pytest.approx(1, abs=1e-5)
        assert min(row["device ms"], row["whole ms"], row["ratio"]) > 0
        assert "invalid ELF header" in row["peer"] or "file too short" in row["peer"]
    assert len(saved["reads"]) == 4
    assert {row["family"] for row in saved["numba"]} == {"qft", "tfim"}


def test_small_states(make_host_engine: Callable[[], CupyEngine], tmp_path: Path) -> None:
    options = ["--families", "qft", "tfim", "--cpu-qubits", "3", "5"]
    options += ["--replay-qubits", "5", "12", "13"]
    saved = run(make_host_engine, tmp_path, "benchmarks.gpu.small", *options)
    assert {row["qubits"] for row in saved["replays"]} == {5, 12, 13}
    for row in saved["replays"]:
        usual = row["tile"] == (12 if row["precision"] == "single" else 11)
        if row["qubits"] == 13 or (row["qubits"] == 12 and row["tile"] == 11):
            assert usual
            assert row["launches"] > 1
            assert min(row["never µs"], row["always µs"], row["measured µs"]) > 0
            assert row["chosen"] in ("graph", "launches")
        else:
            assert usual or row["qubits"] == 12
            assert "one" in row["launches"]
            assert row["never µs"] > 0
    assert {row["family"] for row in saved["wins"]} == {"qft", "tfim"}
    for row in saved["wins"]:
        assert row["than numpy"] in (3, 5, "none of these")


@pytest.mark.skipif(find_compiler() is None, reason="no compiler to make libraries with")
def test_the_peer_finds_its_libraries_among_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cuStateVec's own search path ends where it lies in a folder of its own."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    folder = tmp_path / "nvidia/cu13/lib"
    folder.mkdir(parents=True)
    (tmp_path / "own").mkdir()
    base, needs, peer = (
        folder / "libcublasLt.so.13",
        folder / "libcublas.so.13",
        tmp_path / "own/libcustatevec.so.1",
    )
    for source, library, linked in (
        ("int lt() { return 3; }", base, []),
        ("int lt(); int blas() { return lt() + 4; }", needs, [base]),
        ("int blas(); int peer() { return blas(); }", peer, [needs]),
    ):
        command = [find_compiler() or "", "-shared", "-fPIC", "-xc", "-", "-xnone", "-o"]
        command += [str(library), f"-Wl,-soname,{library.name}", "-Wl,--no-as-needed"]
        link = [f"-Wl,-rpath-link,{folder}", *map(str, linked)]
        subprocess.run([*command, *link], input=source, text=True, check=True)
    load = "from benchmarks.gpu import custatevec as c; from pathlib import Path; import sys;"
    load += "print(c._load(c.find_library(Path(sys.argv[1]))).peer())"
    for path, code in ((str(CHECKOUT), 1), (f"{CHECKOUT}{os.pathsep}{tmp_path}", 0)):
        done = subprocess.run(
            [sys.executable, "-c", load, str(tmp_path / "own")],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert (done.returncode, "libcublas" in done.stderr) == (code, bool(code)), done.stderr
    assert done.stdout.strip() == "7"
