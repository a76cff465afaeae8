"""The plugin as the registry sees it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from simquay.plugin import Available, Unavailable
from simquay_numba import plugin


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_the_registry_sees_it_without_numba_being_loaded() -> None:
    seen = json.loads(
        python(
            "import json, sys\n"
            "from simquay_numba.plugin import probe, simquay_register_backends\n"
            "(spec,) = simquay_register_backends()\n"
            "answer = type(probe()).__name__\n"
            "print(json.dumps([spec.name, spec.device, answer, 'numba' in sys.modules]))"
        )
    )
    assert seen == ["numba", "cpu", "Available", False]


def test_the_probe_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(plugin.probe(), Available)
    monkeypatch.setitem(sys.modules, "numba", None)
    answer = plugin.probe()
    assert isinstance(answer, Unavailable)
    assert "Numba is not installed" in answer.reason
    assert "pip install" in answer.hint
