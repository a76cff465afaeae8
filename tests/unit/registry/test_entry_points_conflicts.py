"""Names that several plugins claim: which are ambiguous, and what users are told."""

from __future__ import annotations

import pytest

from simquay.errors import AmbiguousBackendError, PluginError, SimquayPluginWarning
from simquay.provider import Provider
from simquay.registry import PluginStatus, Registry
from tests.support.fake_plugins import FakeSites, spec


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_duplicate_name_is_ambiguous(sites: FakeSites, order: str) -> None:
    for letter in order:
        sites.write(f"fake-{letter}", spec("dup", priority=5), spec(f"only-{letter}"))
    provider = Provider()
    with pytest.warns(SimquayPluginWarning) as caught:
        records = {record.distribution: record for record in provider.plugins()}
    assert [str(warning.message) for warning in caught] == [
        "backend name 'dup' is claimed by fake-a 1.0 and fake-b 1.0; "
        "use 'fake-a:dup' or 'fake-b:dup'"
    ]
    for letter, other in (("a", "b"), ("b", "a")):
        record = records[f"fake-{letter}"]
        assert record.status is PluginStatus.CONFLICT
        assert record.error == f"'dup' is also claimed by fake-{other} 1.0"
        assert record.backends == ("dup", f"only-{letter}")

    for name in ("dup", "DUP", " dup "):
        with pytest.raises(AmbiguousBackendError) as error:
            provider.get_backend(name)
        assert str(error.value) == (
            "backend name 'dup' is claimed by several plugins (fake-a 1.0, fake-b 1.0); "
            "use 'fake-a:dup' or 'fake-b:dup'"
        )
        assert isinstance(error.value, LookupError)
    for letter in "ab":
        chosen = provider.get_backend(f"fake-{letter}:dup")
        assert chosen.simquay_resolution.distribution == f"fake-{letter}"
        assert provider.get_backend(f"only-{letter}").name == f"only-{letter}"
    rows = [(row.lookup, row.ambiguous) for row in provider.backends("dup")]
    assert rows == [("fake-a:dup", True), ("fake-b:dup", True)]


def test_simquays_own_names_are_like_anyones(sites: FakeSites) -> None:
    sites.use("claims_numpy")
    provider = Provider()
    with pytest.warns(SimquayPluginWarning, match="'numpy' is claimed by fake-claims-numpy 1.0"):
        records = {record.distribution: record.status for record in provider.plugins()}
    assert records["simquay"] is PluginStatus.CONFLICT
    assert records["fake-claims-numpy"] is PluginStatus.CONFLICT
    with pytest.raises(AmbiguousBackendError, match="'simquay:numpy'"):
        provider.get_backend("numpy")
    assert provider.get_backend("fake-claims-numpy:numpy").name == "numpy"
    assert provider.get_backend("unclaimed").name == "unclaimed"
    assert [row.lookup for row in provider.backends("simquay:numpy")] == ["simquay:numpy"]
    assert [row.lookup for row in provider.backends("reference")] == ["reference"]


def test_strict_mode_minds_conflicts(sites: FakeSites) -> None:
    sites.use("claims_numpy")
    with pytest.raises(PluginError, match="'numpy' is claimed by fake-claims-numpy"):
        Registry(strict=True).plugins()


def test_an_alias_that_a_name_hides_is_no_conflict(sites: FakeSites) -> None:
    sites.write("fake-a", spec("alpha", aliases=("beta", "reference")))
    sites.write("fake-b", spec("beta"))
    provider = Provider()
    assert {record.status for record in provider.plugins()} <= {
        PluginStatus.ACTIVE,
        PluginStatus.BLOCKED,  # other plugins that happen to be installed
    }
    assert provider.get_backend("beta").name == "beta"
    assert provider.get_backend("fake-a:beta").name == "alpha"
    (row,) = provider.backends("alpha")
    assert row.aliases == ()
