"""Which plugins the environment excludes, and strict mode as the environment sets it."""

from __future__ import annotations

import logging
import sys

import pytest

from simquay.errors import RegistryError, UnknownBackendError
from simquay.provider import Provider
from simquay.registry import PluginRecord, PluginStatus, Registry
from tests.support.fake_plugins import FakeSites, spec

DISABLE = "SIMQUAY_DISABLE_PLUGINS"
ONLY = "SIMQUAY_LOAD_PLUGINS"


def records() -> dict[str, PluginRecord]:
    return {record.distribution: record for record in Registry().plugins()}


@pytest.mark.parametrize(
    "value",
    ["fake-good", "FAKE_Good", "good", " fake-good , nothing", "fake.good,"],
    ids=["distribution", "other spelling", "entry point", "list", "trailing comma"],
)
def test_a_disabled_plugin_is_not_even_imported(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    sites.use("good")
    monkeypatch.setenv(DISABLE, value)
    record = records()["fake-good"]
    assert record.status is PluginStatus.BLOCKED
    assert record.error == "blocked by SIMQUAY_DISABLE_PLUGINS"
    assert record.backends == ()
    assert not any(name.startswith("fake_good") for name in sys.modules)
    assert records()["simquay"].status is PluginStatus.ACTIVE


def test_a_blocked_broken_plugin_warns_of_nothing(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("exits_at_import")
    monkeypatch.setenv(DISABLE, "fake-exits-at-import")
    assert records()["fake-exits-at-import"].status is PluginStatus.BLOCKED


def test_an_unknown_name_tells_of_blocked_plugins(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good")
    monkeypatch.setenv(DISABLE, "fake-good")
    with pytest.raises(UnknownBackendError, match=r"fake-good 1.0 \(blocked: blocked by SIMQUAY_"):
        Provider().get_backend("fake")


def test_the_allow_list(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    sites.write("fake-other", spec("other"))
    monkeypatch.setenv(ONLY, "fake-other")
    found = records()
    assert found["fake-good"].status is PluginStatus.BLOCKED
    assert found["fake-good"].error == "not in SIMQUAY_LOAD_PLUGINS"
    assert found["fake-other"].status is PluginStatus.ACTIVE
    assert found["simquay"].status is PluginStatus.ACTIVE  # it need not be named
    assert not any(name.startswith("fake_good") for name in sys.modules)


def test_only_simquays_own(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    monkeypatch.setenv(ONLY, "simquay")
    assert {n for n, r in records().items() if r.status is PluginStatus.ACTIVE} == {"simquay"}


def test_the_deny_list_wins(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    monkeypatch.setenv(ONLY, "fake-good")
    monkeypatch.setenv(DISABLE, "fake-good,simquay")
    found = records()
    assert found["fake-good"].status is PluginStatus.BLOCKED
    assert found["simquay"].status is PluginStatus.BLOCKED
    assert Provider().backends(all=True) == []


def test_set_to_nothing_is_not_set(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    monkeypatch.setenv(ONLY, "")
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "")
    monkeypatch.setenv("SIMQUAY_BACKEND", " ")
    monkeypatch.setenv("SIMQUAY_FALLBACK", ",")
    assert records()["fake-good"].status is PluginStatus.ACTIVE
    assert Provider().get_backend("fake").name == "fake"


def test_a_name_that_no_plugin_has_is_logged(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(DISABLE, "fake-godo")
    with caplog.at_level(logging.INFO, logger="simquay"):
        records()
    assert "SIMQUAY_DISABLE_PLUGINS names 'fake-godo'" in caplog.text


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_strict_says_yes(sites: FakeSites, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    sites.use("raises_in_hook")
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", value)
    with pytest.raises(RegistryError, match="fake-raises-in-hook"):
        Registry().plugins()


def test_strict_says_neither(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "maybe")
    with pytest.raises(RegistryError, match="SIMQUAY_STRICT_PLUGINS='maybe': expected one of 1"):
        Registry().plugins()
