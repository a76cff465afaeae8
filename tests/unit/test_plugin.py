"""What a plugin's entry point imports: a spec refuses what the registry could not use."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from simquay.plugin import Available, BackendSpec, Unavailable


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
        spec.name = "yours"


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
