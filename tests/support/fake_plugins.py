"""Fake installed distributions: real files on the search path, no mocks of importlib.

Some lie ready in ``tests/data/fake_plugins``, one folder a case; others are written by the test.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from simquay.provider import Provider
from simquay.registry import Resolution
from tests.support.paths import DATA

CASES = DATA / "fake_plugins"

_MODULE = """\
from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends():
    return [BackendSpec(**fields) for fields in {specs!r}]
"""


def spec(name: str, **fields: Any) -> dict[str, Any]:
    """The fields of a spec, for :meth:`FakeSites.write`."""
    return {"name": name, "device": "cpu", "factory": "tests.support.fake_backends:make", **fields}


def resolution(
    provider: Provider, name: str | None = None, *, fallback: str | Iterable[str] | None = None
) -> Resolution:
    """How ``provider`` chooses a backend for these arguments."""
    found = provider.get_backend(name, fallback=fallback).simquay_resolution
    assert isinstance(found, Resolution)
    return found


class FakeSites:
    """Puts fake distributions on the search path for one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder

    def use(self, *cases: str) -> None:
        """Put cases of ``tests/data/fake_plugins`` on the path, the last one first."""
        for case in cases:
            assert (CASES / case).is_dir(), case
            self._monkeypatch.syspath_prepend(str(CASES / case))

    def write(
        self,
        distribution: str,
        *specs: dict[str, Any],
        version: str = "1.0",
        entry_points: str = "",
        modules: dict[str, str] | None = None,
        info: str = "",
    ) -> Path:
        """Install a distribution in a folder of its own, first on the path; returns the folder.

        Without ``modules`` it has one that registers ``specs``.
        """
        stem = distribution.replace("-", "_").replace(".", "_")
        site = self._folder / f"site-{len(list(self._folder.iterdir()))}"
        metadata = site / (info or f"{stem}-{version}.dist-info")
        metadata.mkdir(parents=True)
        if modules is None:
            modules = {stem.lower(): _MODULE.format(specs=list(specs))}
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text, encoding="utf-8")
        entry_points = entry_points or f"[simquay]\n{stem} = {next(iter(modules))}\n"
        (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        files = [*(f"{name}.py" for name in modules), f"{metadata.name}/RECORD"]
        (metadata / "RECORD").write_text("".join(f"{name},,\n" for name in files), "utf-8")
        self._monkeypatch.syspath_prepend(str(site))
        return site


def fake_sites(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[FakeSites]:
    """The body of a fixture: no ``SIMQUAY_*`` variable is set, plugins other than Simquay's own are
    disabled, the default provider is a new one, and ``fake_*`` modules are removed at the end."""
    monkeypatch.setattr("simquay.provider._default", Provider())
    for variable in [name for name in os.environ if name.startswith("SIMQUAY_")]:
        monkeypatch.delenv(variable)
    others = sorted(
        one.metadata["Name"]
        for one in distributions()
        if one.metadata["Name"] != "simquay"
        and any(entry_point.group == "simquay" for entry_point in one.entry_points)
    )
    if others:
        monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", ",".join(others))
    before = set(sys.modules)
    yield FakeSites(monkeypatch, folder)
    for name in set(sys.modules) - before:
        if name.startswith("fake_") and name.partition(".")[0] != "fake_backends":
            del sys.modules[name]
    importlib.invalidate_caches()
