"""Names: canonical beats alias, duplicates are ambiguous, order plays no part."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simquay.errors import AmbiguousBackendError, SimquayPluginWarning
from simquay.plugin import BackendSpec
from simquay.provider import Provider
from simquay.registry import PluginStatus, RegisteredBackend, Registry
from simquay.registry.catalog import Catalog
from tests.support.fake_plugins import FakeSites, spec


def entry(distribution: str, name: str, *aliases: str) -> RegisteredBackend:
    described = BackendSpec(name=name, device="cpu", factory="a:b", aliases=aliases)
    return RegisteredBackend(described, distribution, "1.0", distribution)


def test_a_name_an_alias_and_a_qualified_name() -> None:
    one, two = entry("d", "one", "eins", "uno"), entry("d", "two")
    catalogue = Catalog([two, one])
    for name in ("one", "eins", "uno", "d:one", "d:eins", "D:one"):
        assert catalogue.claims(name) == (one,), name
    assert catalogue.claims("three") == ()
    assert catalogue.claims("e:one") == ()
    assert catalogue.claims(":one") == ()
    assert catalogue.entries == (one, two)


def test_a_canonical_name_beats_an_alias() -> None:
    canonical, alias = entry("b", "fast"), entry("a", "other", "fast", "quick")
    catalogue = Catalog([alias, canonical])
    assert catalogue.claims("fast") == (canonical,)
    assert catalogue.claims("a:fast") == (alias,)  # within its own distribution it is no duplicate
    assert catalogue.conflicts() == {}
    assert catalogue.aliases(alias) == ("quick",)


def test_two_aliases_are_ambiguous_and_nothing_else_is() -> None:
    one, two = entry("a", "one", "both"), entry("b", "two", "both")
    catalogue = Catalog([two, one])
    assert catalogue.claims("both") == (one, two)
    assert catalogue.conflicts() == {"both": (one, two)}
    assert catalogue.claims("one") == (one,)
    assert catalogue.claims("b:both") == (two,)


small_names = st.sampled_from(["n1", "n2", "n3", "n4"])
small_entries = st.lists(
    st.tuples(st.sampled_from(["d1", "d2", "d3"]), small_names, st.lists(small_names, max_size=3)),
    max_size=8,
    unique_by=lambda one: (one[0], one[1]),  # the loader sees to it
)


@given(small_entries, st.randoms(use_true_random=False))
def test_order_never_matters_and_qualified_names_work(
    described: list[tuple[str, str, list[str]]], shuffle: random.Random
) -> None:
    entries = [entry(d, name, *aliases) for d, name, aliases in described]
    shuffled = list(entries)
    shuffle.shuffle(shuffled)
    catalogue, other = Catalog(entries), Catalog(shuffled)
    assert catalogue.entries == other.entries
    assert catalogue.conflicts() == other.conflicts()
    for name in ("n1", "n2", "n3", "n4", "d1:n1", "d2:n2"):
        assert catalogue.claims(name) == other.claims(name)
    for one in entries:
        assert catalogue.claims(one.qualified) == (one,)
        claims = catalogue.claims(one.name)
        assert one in claims
        assert all(claim.name == one.name for claim in claims)  # no alias among them
        assert (one.name in catalogue.conflicts()) == (len(claims) > 1)


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
    from simquay.errors import PluginError

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


def test_case_and_blanks_are_folded(sites: FakeSites) -> None:
    sites.use("good")
    provider = Provider()
    for name in ("fake", "FAKE", " Fake\n", "Phoney", "Fake-Good:Fake", "fake_good:fakey"):
        assert provider.get_backend(name).name == "fake"
