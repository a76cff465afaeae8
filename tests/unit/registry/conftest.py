"""The fixture that the registry's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_plugins import FakeSites, fake_sites


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSites]:
    yield from fake_sites(monkeypatch, tmp_path)
