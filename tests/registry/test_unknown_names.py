"""What the error for an unknown name tells."""

from __future__ import annotations

import pytest
from fake_plugins import FakeSites, spec

from quayside.errors import UnknownBackendError
from quayside.provider import Provider
from quayside.registry.known import KNOWN_BACKENDS


@pytest.fixture
def only_fakes(sites: FakeSites, monkeypatch: pytest.MonkeyPatch) -> FakeSites:
    """Quayside's own plugin and ``fake-*`` alone, whatever else is installed."""
    monkeypatch.setenv("QUAYSIDE_LOAD_PLUGINS", "fake-good,fake-near,quayside-cupy")
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
        ("cupi", "'cupy'"),  # not installed, but known to exist
        ("gpus", "'gpu'"),
        ("quaysid:numpy", "'quayside:numpy'"),
        ("other:numpy", "'quayside:numpy'"),
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
    assert "Available: numpy, fake, reference, fake-oracle." in text
    assert "Installed but unavailable here: fake-gpu." in text


def test_what_could_be_installed(only_fakes: FakeSites) -> None:
    text = message("xyzzy")
    assert "Could be installed: " in text
    assert "cupy (pip install 'quayside-cupy[cuda12]')" in text
    assert "numba (pip install quayside-numba)" in text


def test_a_known_backend_that_is_not_installed(only_fakes: FakeSites) -> None:
    text = message("cupy")
    assert "It comes with quayside-cupy: pip install 'quayside-cupy[cuda12]'." in text
    assert "Did you mean" not in text


def test_what_is_installed_is_not_offered(only_fakes: FakeSites) -> None:
    only_fakes.write("quayside-cupy", spec("cupy", device="gpu"))
    text = message("xyzzy")
    assert "pip install 'quayside-cupy" not in text
    assert "numba (pip install quayside-numba)" in text


def test_without_quaysides_own_plugin(
    only_fakes: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUAYSIDE_DISABLE_PLUGINS", "quayside,fake-good")
    text = message("numpy")
    assert "Available: none." in text
    assert "quayside 0" in text
    assert "(blocked: blocked by QUAYSIDE_DISABLE_PLUGINS)" in text


def test_the_table_is_sound() -> None:
    names = [one.name for one in KNOWN_BACKENDS]
    assert names == sorted(set(names))
    for one in KNOWN_BACKENDS:
        assert one.device in ("cpu", "gpu")
        assert one.install.startswith("pip install ")
        assert one.distribution in one.install
