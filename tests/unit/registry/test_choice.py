"""Which backend a wish gets: the argument, the environment, priorities, fallback."""

from __future__ import annotations

import logging
import warnings

import pytest

from simquay.errors import (
    AmbiguousBackendError,
    BackendUnavailableError,
    PluginError,
    RegistryError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
    UnknownBackendError,
)
from simquay.provider import Provider
from simquay.registry import Resolution
from tests.support.fake_plugins import FakeSites, spec

ABSENT = "tests.support.fake_backends:probe_no"
HUGE = 10**6  # above whatever else is installed


def resolution(provider: Provider, *args: object, **kwargs: object) -> Resolution:
    found = provider.get_backend(*args, **kwargs).simquay_resolution
    assert isinstance(found, Resolution)
    return found


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
        with pytest.raises(BackendUnavailableError, match="no installed plugin registers one"):
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
    with pytest.raises(BackendUnavailableError, match=r"pip install 'simquay-cupy\[cuda13\]'"):
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


# --- fallback ---------------------------------------------------------------------------------


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
def test_a_fallback_that_was_asked_for(sites: FakeSites, name: str, fallback: object) -> None:
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


# --- no name at all ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "  ", ",", " , "])
def test_an_empty_name(sites: FakeSites, name: str) -> None:
    with pytest.raises(ValueError, match="is empty: expected a name such as 'numpy'"):
        Provider().get_backend(name)


@pytest.mark.parametrize("name", [3, b"numpy", ["numpy"], object()])
def test_a_name_that_is_no_string(sites: FakeSites, name: object) -> None:
    with pytest.raises(TypeError, match="expected a backend's name as a string"):
        Provider().get_backend(name)
    with pytest.raises(TypeError, match="fallback"):
        Provider().get_backend("reference", fallback=[name])
