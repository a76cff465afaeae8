"""When a fallback is used instead of the backend that was named, and how the user learns of it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable

import pytest

from simquay.errors import (
    AmbiguousBackendError,
    BackendUnavailableError,
    RegistryError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
    UnknownBackendError,
)
from simquay.provider import Provider
from simquay.registry import Resolution
from tests.support.fake_plugins import FakeSites, resolution, spec

HUGE = 10**6  # above the priority of any installed plugin


@pytest.mark.parametrize(
    ("name", "fallback"),
    [
        ("fake-gpu", "fake"),
        ("fake-gpu", ["fake"]),
        ("fake-gpu", ("not-installed", "fake")),
        ("fake-gpu", iter(["not-installed", "FAKE"])),
        ("fake-gpu", "not-installed,fake"),
        ("fake-gpu,fake", None),
        ("fake-gpu, not-installed , phoney", None),
        ("fake-gpu,fake-gpu", ["fake-gpu", "fake"]),
    ],
)
def test_a_fallback_that_was_asked_for(
    sites: FakeSites, name: str, fallback: str | Iterable[str] | None
) -> None:
    sites.use("good")
    provider = Provider()
    with pytest.warns(SimquayFallbackWarning) as caught:
        found = resolution(provider, name, fallback=fallback)
    reason = "backend 'fake-gpu' (fake-good 1.0) is unavailable: no such device is plugged in"
    assert found == Resolution(
        requested="fake-gpu",
        name="fake",
        distribution="fake-good",
        version="1.0",
        device="cpu",
        fallback_from="fake-gpu",
        reason=reason,
    )
    assert [str(warning.message) for warning in caught] == [f"{reason}; using 'fake' instead"]


@pytest.mark.parametrize("name", ["cupy-of-tomorrow", "not-installed", "fake-good:nothing"])
def test_what_is_not_installed_falls_back_too(sites: FakeSites, name: str) -> None:
    sites.use("good")
    with pytest.warns(SimquayFallbackWarning, match=f"no backend is called '{name}'; using 'fake'"):
        assert resolution(Provider(), name, fallback="fake").fallback_from == name


def test_gpu_falls_back_to_cpu(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "fake-good,fake-best")
    sites.use("good")
    sites.write("fake-best", spec("best", priority=HUGE))
    with pytest.warns(SimquayFallbackWarning, match="no gpu backend is available; using 'best'"):
        found = resolution(Provider(), "gpu", fallback="cpu")
    assert (found.requested, found.name, found.device) == ("gpu", "best", "cpu")


def test_a_fallback_is_not_taken_where_the_name_can_be_had(sites: FakeSites) -> None:
    sites.use("good")
    found = resolution(Provider(), "fake", fallback="reference")  # a warning would be an error
    assert (found.name, found.fallback_from, found.reason) == ("fake", None, "")


@pytest.mark.parametrize("factory", ["make_raising", "make_junk", "make_unavailable"])
def test_a_factory_that_fails_falls_back(sites: FakeSites, factory: str) -> None:
    sites.write("fake-bad", spec("bad", factory=f"tests.support.fake_backends:{factory}"))
    sites.use("good")
    with pytest.warns(SimquayFallbackWarning, match="'bad'"):
        assert resolution(Provider(), "bad", fallback="fake").name == "fake"


def test_an_ambiguous_name_does_not_fall_back(sites: FakeSites) -> None:
    sites.write("fake-a", spec("dup"))
    sites.write("fake-b", spec("dup"))
    with (
        pytest.warns(SimquayPluginWarning),
        pytest.raises(AmbiguousBackendError),
    ):
        Provider().get_backend("dup", fallback="reference")


def test_when_nothing_can_be_had_the_error_names_all(sites: FakeSites) -> None:
    sites.use("good")
    with pytest.raises(BackendUnavailableError) as error:
        Provider().get_backend("fake-gpu", fallback=["not-installed"])
    assert str(error.value).startswith("backend 'fake-gpu' (fake-good 1.0) is unavailable: no such")
    assert "fallback 'not-installed': no backend is called 'not-installed'" in str(error.value)
    with pytest.raises(UnknownBackendError, match=r"'nor-this'.*fallback 'not-installed'"):
        Provider().get_backend("nor-this,not-installed")


def test_the_environments_fallback_is_logged_not_warned_of(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "not-installed,fake")
    provider = Provider()
    with (
        warnings.catch_warnings(),
        caplog.at_level(logging.WARNING, logger="simquay"),
    ):
        warnings.simplefilter("error")
        found = resolution(provider, "fake-gpu")
    assert (found.name, found.fallback_from) == ("fake", "fake-gpu")
    assert "no such device is plugged in; using 'fake' instead" in caplog.text
    assert caplog.records[0].name.startswith("simquay.")


def test_the_callers_fallback_comes_before_the_environments(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "fake-oracle")
    provider = Provider()
    with pytest.warns(SimquayFallbackWarning):  # the caller's own is warned of
        assert resolution(provider, "fake-gpu", fallback="fake").name == "fake"
    assert resolution(provider, "fake-gpu", fallback="not-installed").name == "fake-oracle"
    assert resolution(provider, "fake").name == "fake"


def test_a_wrong_fallback_in_the_environment_is_named(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "fakee")
    with pytest.raises(RegistryError, match=r"'fakee' \(named by SIMQUAY_FALLBACK\)"):
        Provider().get_backend("fake-gpu")


def test_one_warning_for_one_call_at_the_callers_line(sites: FakeSites) -> None:
    sites.use("good")
    provider = Provider()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(5):
            provider.get_backend("fake-gpu", fallback="fake")
    assert len(caught) == 1  # Python shows a warning once for each place
    assert caught[0].filename == __file__
