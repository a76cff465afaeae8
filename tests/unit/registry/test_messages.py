"""The error for an unknown name: close names, what is installed, what could be."""

from __future__ import annotations

import pytest

from simquay.errors import UnknownBackendError
from simquay.provider import Provider
from simquay.registry.messages import KnownBackend
from tests.support.fake_plugins import FakeSites, spec


@pytest.fixture
def only_fakes(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> FakeSites:
    """Simquay's own plugin and a fake one, and a table of plugins that nobody has installed."""
    table = (
        KnownBackend("phantom", "fake-phantom", "gpu", "pip install 'fake-phantom[cuda12]'"),
        KnownBackend("spectre", "fake-spectre", "cpu", "pip install fake-spectre"),
    )
    monkeypatch.setattr("simquay.registry.messages.KNOWN_BACKENDS", table)
    sites.use("good")
    return sites


def message(name: str) -> str:
    with pytest.raises(UnknownBackendError) as error:
        Provider().get_backend(name)
    assert "\n" not in str(error.value)
    assert isinstance(error.value, LookupError)
    assert error.value.summary == f"no backend is called {name.strip().lower()!r}"
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("nunpy", "'numpy'"),
        ("fakr", "'fake'"),
        ("fakeyy", "'fakey'"),  # an alias
        ("refrence", "'reference'"),
        ("fantom", "'phantom'"),  # not installed, but known to exist
        ("gpus", "'gpu'"),
        ("quaysid:numpy", "'simquay:numpy'"),
        ("other:numpy", "'simquay:numpy'"),
    ],
)
def test_close_matches(only_fakes: FakeSites, name: str, match: str) -> None:
    text = message(name)
    suggestion = text[text.index("Did you mean") : text.index("?")]
    assert match in suggestion


def test_nothing_is_close(only_fakes: FakeSites) -> None:
    assert "Did you mean" not in message("xyzzy")


def test_what_is_available_and_what_is_not(only_fakes: FakeSites) -> None:
    text = message("XYZZY ")
    assert "Available: numpy, fake, reference, fake-oracle, basic." in text
    assert "Installed but unavailable here: fake-gpu." in text


def test_what_could_be_installed(only_fakes: FakeSites) -> None:
    text = message("xyzzy")
    assert "Could be installed: " in text
    assert "phantom (pip install 'fake-phantom[cuda12]')" in text
    assert "spectre (pip install fake-spectre)" in text


def test_a_known_backend_that_is_not_installed(only_fakes: FakeSites) -> None:
    text = message("phantom")
    assert "It comes with fake-phantom: pip install 'fake-phantom[cuda12]'." in text
    assert "Did you mean" not in text


def test_what_is_installed_is_not_offered(only_fakes: FakeSites) -> None:
    only_fakes.write("fake-phantom", spec("phantom", device="gpu"))
    text = message("xyzzy")
    assert "pip install 'fake-phantom" not in text
    assert "spectre (pip install fake-spectre)" in text


def test_without_simquays_own_plugin(
    only_fakes: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", "simquay")
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "nothing-else")
    text = message("numpy")
    assert "Available: none." in text
    assert "simquay 0" in text
    assert "(blocked: blocked by SIMQUAY_DISABLE_PLUGINS)" in text


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("aer_simulator", "aer"),
        ("AerSimulator", "aer"),
        ("aer_simulator_matrix_product_state", "aer-mps"),
        ("statevector_simulator", "auto"),
        ("qasm_simulator", "auto"),
        ("cuda", "gpu"),
        ("basic_simulator", "basic"),
        ("stabilizer", "aer-stabilizer"),
    ],
)
def test_a_name_from_elsewhere_gets_the_name_that_is_meant(
    sites: FakeSites, name: str, meant: str
) -> None:
    text = message(name)
    assert f". Its name here is {meant!r}" in text
    assert "Did you mean" not in text
    assert ("statevector=True" in text) is ("statevector" in name)


def test_a_name_from_elsewhere_is_told_with_what_to_install(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (KnownBackend("aer", "fake-aer", "cpu", "pip install fake-aer", ("aer-mps",)),)
    monkeypatch.setattr("simquay.registry.messages.KNOWN_BACKENDS", table)
    for name in ("mps", "aer-mps"):
        assert "It comes with fake-aer: pip install fake-aer" in message(name)
