"""Which backend a request gets: by name, by device and priority, from the environment."""

from __future__ import annotations

import re
import sys

import pytest

from simquay.errors import (
    BackendUnavailableError,
    PluginError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
    UnknownBackendError,
)
from simquay.provider import Provider
from simquay.registry import Resolution
from tests.support.fake_plugins import FakeSites, resolution, spec
from tests.support.plugin_sources import specs_by_distribution

ABSENT = "tests.support.fake_backends:probe_no"
HUGE = 10**6  # above the priority of any installed plugin


# --- auto, cpu, gpu ---------------------------------------------------------------------------


def test_the_highest_priority_that_is_available(sites: FakeSites) -> None:
    sites.write(
        "fake-many",
        spec("low", priority=HUGE),
        spec("high", priority=HUGE + 2),
        spec("absent", priority=HUGE + 9, probe=ABSENT),
        spec("card", device="gpu", priority=HUGE + 1),
    )
    provider = Provider()
    assert resolution(provider).name == "high"
    assert resolution(provider, "auto").name == "high"
    assert resolution(provider, "cpu").name == "high"
    assert resolution(provider, "GPU") == Resolution("gpu", "card", "fake-many", "1.0", "gpu")


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_ties_go_by_name_and_then_by_distribution(sites: FakeSites, order: str) -> None:
    for letter in order:
        sites.write(f"fake-{letter}", spec("tie", priority=HUGE), spec(f"z{letter}", priority=HUGE))
    provider = Provider()
    with pytest.warns(SimquayPluginWarning, match="'tie' is claimed"):
        chosen = resolution(provider)
    # An ambiguous name does not keep ``auto`` from choosing: it knows whose it takes.
    assert (chosen.name, chosen.distribution) == ("tie", "fake-a")


def test_a_negative_priority_is_only_chosen_by_name(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", "simquay")
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "fake-shy")
    sites.write("fake-shy", spec("shy", priority=-1))
    provider = Provider()
    for name in ("auto", "cpu"):
        with pytest.raises(BackendUnavailableError, match="no installed plugin has one"):
            provider.get_backend(name)
    assert provider.get_backend("shy").name == "shy"


def test_zero_is_chosen(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", "simquay")
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "fake-zero")
    sites.write("fake-zero", spec("zero"))
    assert Provider().get_backend().name == "zero"


def test_without_a_gpu_the_error_says_why(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "fake-cards")
    sites.write(
        "fake-cards",
        spec("one", device="gpu", priority=2, probe=ABSENT, install_hint="plug it in"),
        spec(
            "two", device="gpu", priority=1, probe="tests.support.fake_backends:probe_no_with_hint"
        ),
    )
    with pytest.raises(BackendUnavailableError) as error:
        Provider().get_backend("gpu")
    assert str(error.value) == (
        "no gpu backend is available: "
        "one (fake-cards 1.0): the device is not plugged in (try: plug it in); "
        "two (fake-cards 1.0): the driver is too old (try: update the driver)"
    )


def test_without_any_gpu_plugin_the_error_says_what_to_install(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "simquay")  # so that no GPU plugin is loaded
    (cupy,) = specs_by_distribution()["simquay-cupy"]
    with pytest.raises(BackendUnavailableError, match=re.escape(cupy.install_hint)):
        Provider().get_backend("gpu")


def test_a_factory_that_fails_does_not_take_auto_away(sites: FakeSites) -> None:
    sites.write(
        "fake-mixed",
        spec("faulty", priority=HUGE + 2, factory="tests.support.fake_backends:make_raising"),
        spec("junky", priority=HUGE + 1, factory="tests.support.fake_backends:make_junk"),
        spec("sound", priority=HUGE),
    )
    provider = Provider()
    with pytest.warns(SimquayPluginWarning) as caught:
        assert resolution(provider).name == "sound"
    assert len(caught) == 2
    assert "fake-mixed 1.0" in str(caught[0].message)
    assert "RuntimeError: no room for faulty; 'auto' uses the next" in str(caught[0].message)
    assert "'junky'" in str(caught[1].message)


# --- the environment --------------------------------------------------------------------------


def test_the_argument_wins_over_the_environment(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good")
    sites.write("fake-best", spec("best", priority=HUGE))
    provider = Provider()
    assert resolution(provider).name == "best"
    monkeypatch.setenv("SIMQUAY_BACKEND", "Fake-Oracle")
    assert resolution(provider).name == "fake-oracle"
    assert resolution(provider).requested == "fake-oracle"
    assert resolution(provider, "fake").name == "fake"
    assert resolution(provider, "auto").name == "best"


def test_a_wrong_environment_is_named(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_BACKEND", "fakee")
    with pytest.raises(UnknownBackendError, match=r"'fakee' \(named by SIMQUAY_BACKEND\)\. Did"):
        Provider().get_backend()
    monkeypatch.setenv("SIMQUAY_BACKEND", "fake-gpu")
    with pytest.raises(BackendUnavailableError, match=r"\(named by SIMQUAY_BACKEND\) is unav"):
        Provider().get_backend()


def test_the_environment_may_be_a_chain(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good")
    monkeypatch.setenv("SIMQUAY_BACKEND", "fake-gpu, fake")
    with pytest.warns(SimquayFallbackWarning):
        assert resolution(Provider()).fallback_from == "fake-gpu"


# --- an explicit name -------------------------------------------------------------------------


def test_an_explicit_name_never_falls_back_silently(sites: FakeSites) -> None:
    sites.use("good")
    with pytest.raises(BackendUnavailableError) as error:
        Provider().get_backend("fake-gpu")
    assert str(error.value) == (
        "backend 'fake-gpu' (fake-good 1.0) is unavailable: no such device is plugged in. "
        "Try: buy the device"
    )


def test_the_probes_own_hint_is_better_than_the_specs(sites: FakeSites) -> None:
    probe = "tests.support.fake_backends:probe_no_with_hint"
    sites.write("fake-hint", spec("hinted", probe=probe, install_hint="install it"))
    with pytest.raises(BackendUnavailableError, match=r"driver is too old. Try: update the driver"):
        Provider().get_backend("hinted")


@pytest.mark.parametrize(
    ("factory", "text"),
    [
        ("tests.support.fake_backends:make_raising", "RuntimeError: no room for bad"),
        (
            "tests.support.fake_backends:make_unavailable",
            "BackendUnavailableError: bad found its device busy",
        ),
        ("tests.support.fake_backends:make_exiting", "it called sys.exit(7)"),
        (
            "tests.support.fake_backends:no_such_function",
            "AttributeError: module 'tests.support.fake_backends' has no attr",
        ),
        ("fake_no_such_module:make", "No module named 'fake_no_such_module'. Try: get it"),
        ("tests.support.fake_backends:CALLS", "TypeError"),
    ],
)
def test_a_factory_that_raises(sites: FakeSites, factory: str, text: str) -> None:
    sites.write("fake-bad", spec("bad", factory=factory, install_hint="get it"))
    provider = Provider()
    with pytest.raises(BackendUnavailableError) as error:
        provider.get_backend("bad")
    message = str(error.value)
    assert text in message
    assert message.startswith("backend 'bad' (fake-bad 1.0) could not be created: its factory ")
    assert "\n" not in message
    assert error.value.__cause__ is not None
    assert provider.get_backend("reference").name == "reference"


def test_a_factory_that_returns_no_backend(sites: FakeSites) -> None:
    sites.write("fake-bad", spec("bad", factory="tests.support.fake_backends:make_junk"))
    with pytest.raises(PluginError, match=r"'bad' \(fake-bad 1.0\).*returned a dict, not a qiskit"):
        Provider().get_backend("bad")


def test_a_class_of_the_same_name_is_no_backend(sites: FakeSites) -> None:
    sites.write("fake-bad", spec("bad", factory="tests.support.fake_backends:make_namesake"))
    with pytest.raises(PluginError, match=r"returned a BackendV2, not a qiskit.providers.Backend"):
        Provider().get_backend("bad")


def test_without_qiskit_no_object_is_a_backend(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.write("fake-bad", spec("bad", factory="tests.support.fake_backends:make_junk"))
    monkeypatch.delitem(sys.modules, "qiskit.providers")
    with pytest.raises(PluginError, match="returned a dict, not a qiskit"):
        Provider().get_backend("bad")
    assert "qiskit.providers" not in sys.modules  # the registry does not import it


def test_a_factory_that_returns_the_same_object(sites: FakeSites) -> None:
    sites.write("fake-shared", spec("shared", factory="tests.support.fake_backends:make_shared"))
    provider = Provider()
    provider.get_backend("shared")
    with pytest.raises(PluginError, match=r"fake-shared 1.0.*the same object twice"):
        provider.get_backend("shared")


def test_ctrl_c_in_a_factory_is_the_users(sites: FakeSites) -> None:
    sites.write("fake-slow", spec("slow", factory="tests.support.fake_backends:make_interrupted"))
    with pytest.raises(KeyboardInterrupt):
        Provider().get_backend("slow", fallback="reference")


def test_a_backend_is_told_with_what_makes_it_available(sites: FakeSites) -> None:
    sites.write(
        "fake-here",
        spec("here"),
        spec("away", probe="tests.support.fake_backends:probe_wordy"),
    )
    told = Provider().told
    assert told("here") == "the backend 'here'"
    assert told("away") == "the backend 'away' (pip install .)"
    assert told("nowhere") == "the backend 'nowhere'"
