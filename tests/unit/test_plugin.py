"""The plugin interface: specs with wrong fields are refused; ``require`` finds packages."""

from __future__ import annotations

import dataclasses
import sys
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simquay.plugin import Available, BackendSpec, Unavailable, require


def make(**fields: Any) -> BackendSpec:
    return BackendSpec(
        **{"name": "mine", "device": "cpu", "factory": "package.module:make", **fields}
    )


def test_the_defaults() -> None:
    spec = make()
    assert (spec.probe, spec.priority, spec.aliases) == ("", 0, ())
    assert (spec.description, spec.install_hint) == ("", "")
    assert dict(Available().details) == {}
    assert Unavailable("no").hint == ""


def test_it_is_frozen_and_compares_and_hashes() -> None:
    spec = make(aliases=["other"])
    assert spec.aliases == ("other",)
    assert spec == make(aliases=("other", "other"))
    assert len({spec, make(aliases=("other",))}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "yours"  # type: ignore[misc]  # that it fails is the test


@pytest.mark.parametrize("name", ["a", "0", "a-b_c.d", "aer-mps", "x2"])
def test_good_names(name: str) -> None:
    assert make(name=name, aliases=(name + "2",)).name == name


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a b", "a:b", "a,b", "ä", "a\n", None, 3])
def test_bad_names(name: Any) -> None:
    with pytest.raises(ValueError, match="expected lower-case letters"):
        make(name=name)
    with pytest.raises(ValueError, match="expected lower-case letters"):
        make(aliases=(name,))


@pytest.mark.parametrize("name", ["auto", "cpu", "gpu"])
def test_reserved_names(name: str) -> None:
    with pytest.raises(ValueError, match="is reserved"):
        make(name=name)
    with pytest.raises(ValueError, match="is reserved"):
        make(aliases=("fine", name))


@pytest.mark.parametrize("target", ["module:make", "a.b.c:make", "a:b.c", "_a:_b"])
def test_good_targets(target: str) -> None:
    assert make(factory=target, probe=target).probe == target


@pytest.mark.parametrize(
    "target", ["module", "module:", ":make", "a b:c", "a:b:c", "a..b:c", "a:b.", ".a:b", "a/b.py:c"]
)
def test_bad_targets(target: str) -> None:
    with pytest.raises(ValueError, match=r"factory .* is not 'module:callable'"):
        make(factory=target)
    with pytest.raises(ValueError, match=r"probe .* is not 'module:callable'"):
        make(probe=target)


@pytest.mark.parametrize("field", ["factory", "probe", "description", "install_hint"])
def test_texts_are_strings(field: str) -> None:
    with pytest.raises(TypeError, match=f"backend mine: {field} 3 is a int; expected a string"):
        make(**{field: 3})


def test_a_factory_is_needed_and_a_probe_is_not() -> None:
    with pytest.raises(ValueError, match="factory '' is not"):
        make(factory="")
    assert make(probe="").probe == ""


def test_aliases_are_no_string() -> None:
    with pytest.raises(TypeError, match="aliases is a string; expected a tuple"):
        make(aliases="np")


@pytest.mark.parametrize("device", ["tpu", "CPU", "", None])
def test_devices(device: Any) -> None:
    with pytest.raises(ValueError, match="is not 'cpu' or 'gpu'"):
        make(device=device)


@pytest.mark.parametrize("priority", [1.5, "1", True, None])
def test_priorities(priority: Any) -> None:
    with pytest.raises(TypeError, match="is not an integer"):
        make(priority=priority)


# --- require ----------------------------------------------------------------------------------


def test_an_installed_package_is_found_and_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "fake_required.py").write_text("raise RuntimeError('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert require("fake_required", hint="none needed") == Available()
    assert "fake_required" not in sys.modules


def test_a_missing_package_is_named_with_the_hint() -> None:
    found = require("fake_required", title="Fake", hint="pip install fake")
    assert found == Unavailable("Fake is not installed", hint="pip install fake")
    assert require("fake_required", hint="x") == Unavailable("fake_required is not installed", "x")


def test_the_details_have_the_version_of_the_distribution_that_is_asked_for() -> None:
    found = require("numpy", hint="x", distribution="numpy")
    assert found == Available({"numpy": version("numpy")})
    assert require("numpy", hint="x", distribution="no-such-distribution") == Available()


class _Refuses:
    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == "fake_required":
            raise ModuleNotFoundError(name)
        return None


def test_what_an_import_hook_refuses_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [_Refuses(), *sys.meta_path])
    assert isinstance(require("fake_required", hint="x"), Unavailable)


def test_a_module_whose_spec_is_damaged_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("fake_required")
    assert module.__spec__ is None
    monkeypatch.setitem(sys.modules, "fake_required", module)
    assert isinstance(require("fake_required", hint="x"), Unavailable)


def test_a_submodule_is_refused_since_finding_it_would_import_its_package() -> None:
    with pytest.raises(ValueError, match=r"module 'os.path' is not a top-level module"):
        require("os.path", hint="x")
