"""stdout is the command's own, whatever plugins print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simquay.cli.output import output, separate_output

NOISY = """
import atexit, os
print("an import")
os.write(1, b"a library in C\\n")
atexit.register(print, "a farewell")
from simquay.plugin import BackendSpec, hookimpl
@hookimpl
def simquay_register_backends():
    print("a hook")
    os.system("echo a child process")
    yield BackendSpec(name="noisy", device="cpu", priority=1, factory="noisy_plugin:make")
def make(spec):
    print("a factory")
    from simquay.simulators.factories import make_numpy
    return make_numpy(spec)
"""


def test_what_is_printed_goes_to_stderr_and_output_is_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with separate_output(), separate_output():
        print("noise")
        output().write("result")
    output().write(" and more")
    assert capsys.readouterr() == ("result and more", "noise\n")


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("backends", "--all"), "backends"),
        (("doctor",), "problems"),
        (("run", "--backend", "noisy"), "circuits"),
    ],
)
def test_stdout_is_json_alone_even_where_a_plugin_prints(
    tmp_path: Path, bell: Path, arguments: tuple[str, ...], key: str
) -> None:
    (tmp_path / "noisy_plugin.py").write_text(NOISY)
    info = tmp_path / "noisy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[simquay]\nnoisy = noisy_plugin\n")
    file = (str(bell),) if arguments[0] == "run" else ()
    done = subprocess.run(
        [sys.executable, "-m", "simquay", *arguments, *file, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "SIMQUAY_LOAD_PLUGINS": "noisy"},
    )
    assert done.returncode == 0, done.stderr
    assert key in json.loads(done.stdout)
    for part in ("an import", "a library in C", "a hook", "a child process", "a farewell"):
        assert part in done.stderr
