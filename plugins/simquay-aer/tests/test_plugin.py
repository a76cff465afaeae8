"""The plugin as the registry sees it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import simquay
from simquay.plugin import Available, Unavailable
from simquay_aer import plugin


def test_the_registry_sees_it_without_aer_being_loaded() -> None:
    program = (
        "import json, sys\n"
        "from simquay_aer.plugin import probe, simquay_register_backends\n"
        "names = [spec.name for spec in simquay_register_backends()]\n"
        "answer = type(probe()).__name__\n"
        "print(json.dumps([names, answer, 'qiskit_aer' in sys.modules, 'qiskit' in sys.modules]))"
    )
    seen = json.loads(
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
    )
    assert seen == [list(plugin.METHODS), "Available", False, False]


def test_the_probe_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(plugin.probe(), Available)
    monkeypatch.setitem(sys.modules, "qiskit_aer", None)
    answer = plugin.probe()
    assert isinstance(answer, Unavailable)
    assert "Qiskit Aer is not installed" in answer.reason
    assert "pip install 'qiskit-aer" in answer.hint


def test_only_the_state_vector_is_chosen_without_its_name() -> None:
    rows = {row.name: row for row in simquay.backends() if row.distribution == "simquay-aer"}
    assert list(rows) == sorted(plugin.METHODS, key=lambda name: (-plugin.METHODS[name][1], name))
    assert [name for name, row in rows.items() if row.priority >= 0] == ["aer"]
