"""benchmarks/gpu/first_light.sh runs from end to end in a copy of a checkout's files, where nothing
of Simquay is installed, and no Qiskit. CuPy is a stand-in, and the GPU's tools are missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import venv
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from host_device import HostDevice
from packaging.requirements import Requirement

from simquay_cupy.engine import CupyEngine

CHECKOUT = Path(__file__).resolve().parents[3]

INSTALLED = ["numpy", "psutil", "pytest", "pytest-xdist", "pytest-timeout", "hypothesis"]

CUPY = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
import fake_cupy
fake_cupy.install(Path({library!r}))
"""

SIZES = {
    "WORKERS": "1",
    "AGREEMENT": "--sizes 5 --programs 8 --without kit",
    "LARGE": "6 5",
    "CROSSOVER": "3 5",
    "TUNED": "6",
    "REPLAYED": "6",
    "SCALED": "6",
    "KNOBS": "low replay blocks",  # the stand-in has the usual tiles alone
}


def travelling() -> list[str]:
    """All files but those that git ignores; none where this is no checkout."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else []


def with_requirements(names: list[str]) -> Iterator[Path]:
    """The files and folders in site-packages of these distributions and what they require."""
    for name in names:
        found = distribution(name)
        tops = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
        yield from (Path(str(found.locate_file(top))) for top in tops)
        needs = [Requirement(one) for one in found.requires or ()]
        met = [one for one in needs if not one.marker or one.marker.evaluate({"extra": ""})]
        names += [one.name for one in met if one.name not in names]  # the loop goes on with them


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("git") and (CHECKOUT / "benchmarks/gpu").exists() and travelling()),
    reason="this is no checkout",
)
def test_every_stage_runs_and_none_stops_the_next(
    make_host_engine: Callable[[], CupyEngine], tmp_path: Path
) -> None:
    device = make_host_engine().on
    assert isinstance(device, HostDevice)
    there, out = tmp_path / "there", tmp_path / "out"
    for name in travelling():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        if (CHECKOUT / name).exists():  # not removed since
            shutil.copy(CHECKOUT / name, there / name)
    venv.create(tmp_path / "env", symlinks=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    for path in with_requirements(list(INSTALLED)):
        (site / path.name).symlink_to(path)
    support = str(there / "plugins/simquay-cupy/tests/support")
    text = CUPY.format(support=support, library=str(device.path))
    (site / "cupy.py").write_text(text, encoding="utf-8")
    (there / "build/gpu").mkdir(parents=True)
    (there / "build/gpu/commit").write_text("abc1234\n", encoding="ascii")
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path / 'env/bin'}:/usr/bin:/bin"}
    script = ["bash", "benchmarks/gpu/first_light.sh", str(out)]
    done = subprocess.run(
        script, cwd=there, capture_output=True, text=True, check=False, env=environment | SIZES
    )
    assert done.returncode == 0, done.stderr
    subprocess.run(["tar", "-xzf", out / "first_light.tar.gz"], cwd=tmp_path, check=True)
    files = {path.name: path.read_text("utf-8") for path in (tmp_path / "first_light").iterdir()}
    ended = dict(re.findall(r"^(\S+): ended with (\d+) after \d+ s$", files["summary.txt"], re.M))
    expected = {name: "127" if name[0] in "ef" else "0" for name in ended}  # no such command
    expected["h-threads"] = "1"
    wrong = {name: files[f"{name}.txt"][-3000:] for name in ended if ended[name] != expected[name]}
    assert not wrong, {name: ended[name] for name in wrong}
    # There is no Numba either, whose own requirement may be imported first.
    assert re.search("No module named .(numba|llvmlite)", files["h-threads.txt"])
    assert len(ended) == 13
    assert "0 failed" in files["b-agreement.txt"]
    assert len(re.findall("^ok  ", files["b-agreement.txt"], re.M)) > 30
    assert (
        "no NVIDIA driver" in files["c-tests-quick.txt"] or "skipped" in files["c-tests-quick.txt"]
    )
    engine = json.loads(files["d-engine.json"])
    assert engine["facts"]["commit"] == "abc1234"
    assert {row["qubits"] for row in engine["rows"]} == {5, 6}
    knobs = json.loads(files["g-knobs.json"])["knobs"]
    assert {row["knob"] for row in knobs} == {"none", "low", "blocks"}
    assert all(row["same"] < 1e-5 for row in knobs)
