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
        ("fake-gpu", ("cupy", "fake")),
        ("fake-gpu", iter(["cupy", "FAKE"])),
        ("fake-gpu", "cupy,fake"),
        ("fake-gpu,fake", None),
        ("fake-gpu, cupy , phoney", None),
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


@pytest.mark.parametrize("name", ["cupy", "aer-mps", "gpu-statevector", "simquay-aer:aer"])
def test_what_is_not_installed_falls_back_too(sites: FakeSites, name: str) -> None:
    sites.use("good")
    with pytest.warns(SimquayFallbackWarning, match=f"no backend is called '{name}'; using 'fake'"):
        assert resolution(Provider(), name, fallback="fake").fallback_from == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nunpy", "numpy"),
        ("cuppy", "cupy"),
        ("fake-good:nothing", "fake-good:fake"),
        ("no:numpy", "simquay:numpy"),
        ("cp", "cpu"),
    ],
)
def test_a_name_that_no_plugin_has_is_an_error_whatever_the_fallback(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "fake")
    for arguments in ((name, "fake"), (f"{name},fake", None), ("fake-gpu", f"{name},fake")):
        with pytest.raises(RegistryError, match=f"no backend is called '{name}'") as error:
            Provider().get_backend(arguments[0], fallback=arguments[1])
        if arguments[0] != "fake-gpu":
            assert f"Did you mean '{meant}'" in str(error.value)


def test_a_plugin_that_does_not_load_may_have_a_name_like_no_other(sites: FakeSites) -> None:
    sites.use("good")
    sites.use("raises_at_import")
    provider = Provider()
    with pytest.warns(SimquayPluginWarning):
        provider.plugins()
    for name in ("zeppelin", "fake-raises-at-import:x"):
        with pytest.warns(SimquayFallbackWarning):
            assert resolution(provider, name, fallback="fake").name == "fake"
    with pytest.raises(UnknownBackendError, match="Did you mean 'numpy'"):
        provider.get_backend("nunpy", fallback="fake")


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
        Provider().get_backend("fake-gpu", fallback=["cupy"])
    assert str(error.value).startswith("backend 'fake-gpu' (fake-good 1.0) is unavailable: no such")
    assert "fallback 'cupy': no backend is called 'cupy'" in str(error.value)
    with pytest.raises(UnknownBackendError, match=r"'aer'.*fallback 'cupy'"):
        Provider().get_backend("aer,cupy")


def test_the_environments_fallback_is_logged_not_warned_of(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "cupy,fake")
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


def test_a_fallback_named_twice_is_logged_too(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "fake")
    with caplog.at_level(logging.WARNING, logger="simquay"):  # a warning would be an error
        assert resolution(Provider(), "fake-gpu", fallback="fake").fallback_from == "fake-gpu"
    assert "using 'fake' instead" in caplog.text


def test_the_callers_fallback_comes_before_the_environments(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_FALLBACK", "fake-oracle")
    provider = Provider()
    assert resolution(provider, "fake-gpu", fallback="fake").name == "fake"
    assert resolution(provider, "fake-gpu", fallback="cupy").name == "fake-oracle"
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
