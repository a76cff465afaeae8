"""The plugin of the built-in backends."""

from __future__ import annotations

import pytest

from simquay.plugin import Available, Unavailable
from simquay.simulators.builtin import probe, simquay_register_backends


def test_three_backends_in_order_of_priority() -> None:
    specs = list(simquay_register_backends())
    assert [spec.name for spec in specs] == ["numpy", "reference", "basic"]
    priorities = [spec.priority for spec in specs]
    assert priorities == sorted(priorities, reverse=True)
    assert {spec.device for spec in specs} == {"cpu"}


def test_the_probe_asks_for_qiskit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(probe(), Available)
    monkeypatch.setattr("simquay.plugin.find_spec", lambda name: None)
    found = probe()
    assert isinstance(found, Unavailable)
    assert found.reason == "Qiskit is not installed"
