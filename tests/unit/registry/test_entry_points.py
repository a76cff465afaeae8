"""Finding distributions: damaged ones, shadowed ones, half-removed ones."""

from __future__ import annotations

import pytest

from simquay.registry import Registry
from simquay.registry.entry_points import find_entry_points
from tests.support.fake_plugins import FakeSites, spec


def found() -> list[tuple[str, str, str]]:
    return [(one.distribution, one.version, one.name) for one in find_entry_points()]


def test_names_are_normalized(sites: FakeSites) -> None:
    sites.write("Fake.Odd_Name", spec("odd"))
    assert ("fake-odd-name", "1.0", "Fake_Odd_Name") in found()
    assert [row.distribution for row in Registry().backends("odd", all=True)] == ["fake-odd-name"]
    for spelling in ("fake-odd-name:odd", "Fake.Odd_Name:ODD"):
        assert Registry().backends(spelling, all=True)


def test_the_first_on_the_path_counts(sites: FakeSites) -> None:
    sites.write("fake-old", spec("old"), version="1.0")
    sites.write("fake-old", spec("new"), version="2.0")
    assert [one for one in found() if one[0] == "fake-old"] == [("fake-old", "2.0", "fake_old")]


def test_one_without_entry_points_shadows_one_with(sites: FakeSites) -> None:
    sites.write("fake-old", spec("old"), version="1.0")
    sites.write("fake-old", version="2.0", modules={"x": ""}, entry_points="[other]\na = x\n")
    assert not [one for one in found() if one[0] == "fake-old"]


def test_a_half_removed_distribution_is_not_installed(sites: FakeSites) -> None:
    sites.write("fake-gone", spec("gone"), info="~ake_gone-1.0.dist-info")
    assert not [one for one in found() if "gone" in one[0]]


def test_a_distribution_without_metadata_is_not_installed(sites: FakeSites) -> None:
    site = sites.write("fake-bare", spec("bare"))
    (site / "fake_bare-1.0.dist-info" / "METADATA").unlink()
    assert not [one for one in found() if "bare" in one[0]]


def test_the_word_alone_is_no_entry_point(sites: FakeSites) -> None:
    entry_points = "[console_scripts]\nsimquay-fake = fake_script:main\n"
    sites.write("fake-script", modules={"fake_script": ""}, entry_points=entry_points)
    assert not [one for one in found() if one[0] == "fake-script"]


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b"), ("b", "c", "a")])
def test_the_order_is_that_of_the_names(sites: FakeSites, order: tuple[str, ...]) -> None:
    for letter in order:
        sites.write(f"fake-{letter}", spec(f"name-{letter}"))
    ours = [name for name, _, _ in found() if name in ("fake-a", "fake-b", "fake-c")]
    assert ours == ["fake-a", "fake-b", "fake-c"]
