"""benchmarks/gpu/engine.py runs from end to end on a stand-in for CuPy: a GPU is too rare to find
out there that a script has a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from host_device import HostDevice

from simquay_cupy.engine import CupyEngine

CHECKOUT = Path(__file__).resolve().parents[3]
HELPERS = Path(__file__).resolve().parent / "support"

SCRIPT = """
import sys
from pathlib import Path
import fake_cupy
fake_cupy.install(Path(sys.argv[1]))
from benchmarks.gpu import engine
engine.COPY_BYTES, engine.CHECK_QUBITS = 1 << 20, (5, 12)
sys.argv = ["engine.py", *sys.argv[2:]]
engine.main()
"""


@pytest.mark.skipif(
    not (CHECKOUT / "benchmarks/gpu/engine.py").exists(), reason="this is no checkout"
)
def test_the_benchmark_prints_and_saves_its_tables(
    make_host_engine: Callable[[], CupyEngine], tmp_path: Path
) -> None:
    device = make_host_engine().on
    assert isinstance(device, HostDevice)
    report = tmp_path / "gpu.json"
    options = ["--qubits", "6", "13", "--families", "qft", "tfim", "--repeats", "1"]
    options += [
        "--replay-qubits",
        "5",
        "12",
        "13",
        "--cpu-qubits",
        "3",
        "5",
        "--commit",
        "abc",
        "--json",
        str(report),
    ]
    paths = [str(CHECKOUT), str(HELPERS), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(device.path), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| family |") == 5
    saved = json.loads(report.read_text(encoding="utf-8"))
    assert saved["facts"]["commit"] == "abc"
    assert {row["family"] for row in saved["rows"]} == {"qft", "tfim"}
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
    for row in saved["checks"]:
        assert row["single"] < 1e-5
        assert row["double"] < 1e-12
    for row in saved["rows"]:
        assert row["norm"] == pytest.approx(1, abs=1e-5)
