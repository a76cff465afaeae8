"""Names: canonical beats alias, duplicates are ambiguous, order plays no part."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simquay.plugin import BackendSpec
from simquay.provider import Provider
from simquay.registry.catalog import (
    Catalog,
    RegisteredBackend,
    normalize_distribution,
    normalize_name,
)
from tests.support.fake_plugins import FakeSites


def entry(distribution: str, name: str, *aliases: str) -> RegisteredBackend:
    described = BackendSpec(name=name, device="cpu", factory="a:b", aliases=aliases)
    return RegisteredBackend(described, distribution, "1.0", distribution)


def test_a_name_an_alias_and_a_qualified_name() -> None:
    one, two = entry("d", "one", "eins", "uno"), entry("d", "two")
    catalog = Catalog([two, one])
    for name in ("one", "eins", "uno", "d:one", "d:eins", "D:one"):
        assert catalog.claims(name) == (one,), name
    assert catalog.claims("three") == ()
    assert catalog.claims("e:one") == ()
    assert catalog.claims(":one") == ()
    assert catalog.entries == (one, two)


def test_a_canonical_name_beats_an_alias() -> None:
    canonical, alias = entry("b", "fast"), entry("a", "other", "fast", "quick")
    catalog = Catalog([alias, canonical])
    assert catalog.claims("fast") == (canonical,)
    assert catalog.claims("a:fast") == (alias,)  # within its own distribution it is no duplicate
    assert catalog.conflicts() == {}
    assert catalog.aliases(alias) == ("quick",)


def test_two_aliases_are_ambiguous_and_nothing_else_is() -> None:
    one, two = entry("a", "one", "both"), entry("b", "two", "both")
    catalog = Catalog([two, one])
    assert catalog.claims("both") == (one, two)
    assert catalog.conflicts() == {"both": (one, two)}
    assert catalog.claims("one") == (one,)
    assert catalog.claims("b:both") == (two,)


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
    catalog, other = Catalog(entries), Catalog(shuffled)
    assert catalog.entries == other.entries
    assert catalog.conflicts() == other.conflicts()
    for name in ("n1", "n2", "n3", "n4", "d1:n1", "d2:n2"):
        assert catalog.claims(name) == other.claims(name)
    for one in entries:
        assert catalog.claims(one.qualified) == (one,)
        claims = catalog.claims(one.name)
        assert one in claims
        assert all(claim.name == one.name for claim in claims)  # no alias among them
        assert (one.name in catalog.conflicts()) == (len(claims) > 1)


def test_case_and_blanks_are_ignored(sites: FakeSites) -> None:
    sites.use("good")
    provider = Provider()
    for name in ("fake", "FAKE", " Fake\n", "Phoney", "Fake-Good:Fake", "fake_good:fakey"):
        assert provider.get_backend(name).name == "fake"


def test_normalized_names() -> None:
    assert normalize_name(" Fake\n") == "fake"
    with pytest.raises(TypeError, match="name 3 is a int: expected a backend's name as a string"):
        normalize_name(3)  # type: ignore[arg-type]  # that it is refused is the test


# The examples of PEP 503 for one name.
@pytest.mark.parametrize("spelling", ["friendly-bard", "Friendly-Bard", "FRIENDLY-BARD"])
def test_normalized_distributions(spelling: str) -> None:
    for variant in (spelling, *(spelling.replace("-", mark) for mark in (".", "_", "--", "-._-"))):
        assert normalize_distribution(variant) == "friendly-bard"


def test_close_matches_are_qualified_where_the_name_is() -> None:
    catalog = Catalog([entry("d", "numpy", "np"), entry("e", "numba"), entry("e", "torch")])
    assert catalog.close_matches("nunpy") == ["numpy"]
    assert catalog.close_matches("nunpy", ["nunp"]) == ["nunp", "numpy"]
    assert catalog.close_matches("x:torch")[0] == "e:torch"
    assert catalog.close_matches("xyz") == []
