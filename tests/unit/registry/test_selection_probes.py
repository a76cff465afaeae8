"""Probes: asked once; one that fails makes its backend unavailable, and no other."""

from __future__ import annotations

import pytest

from simquay.errors import BackendUnavailableError
from simquay.provider import Provider
from tests.support.fake_backends import CALLS
from tests.support.fake_plugins import FakeSites, spec


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (
            "tests.support.fake_backends:probe_raising",
            "RuntimeError: driver version is insufficient",
        ),
        ("tests.support.fake_backends:probe_exiting", "it called sys.exit('no device')"),
        ("tests.support.fake_backends:no_such_probe", "AttributeError"),
        ("fake_no_such_module:probe", "ModuleNotFoundError"),
        ("tests.support.fake_backends:probe_junk", "did not return Available or Unavailable"),
        ("tests.support.fake_backends:probe_wrong_details", "TypeError"),
        ("tests.support.fake_backends:probe_wrong_reason", "AttributeError"),
    ],
)
def test_a_probe_that_fails(sites: FakeSites, probe: str, reason: str) -> None:
    sites.write("fake-bad", spec("bad", probe=probe, priority=10**6), spec("sound"))
    provider = Provider()
    (row,) = provider.backends("bad", all=True)
    assert row.status == "unavailable"
    assert reason in row.reason
    assert probe in row.reason
    assert "\n" not in row.reason
    with pytest.raises(BackendUnavailableError, match=r"'bad' \(fake-bad 1.0\) is unavailable"):
        provider.get_backend("bad")
    assert provider.get_backend("sound").name == "sound"
    assert provider.get_backend().name != "bad"


def two_that_count_their_probes(sites: FakeSites) -> None:
    sites.write(
        "fake-asked",
        spec("yes", probe="tests.support.fake_backends:probe_yes"),
        spec("no", probe="tests.support.fake_backends:probe_no"),
    )
    CALLS.clear()


def test_a_probe_is_asked_once_until_a_refresh(sites: FakeSites) -> None:
    two_that_count_their_probes(sites)
    provider = Provider()
    provider.plugins()
    assert not CALLS  # loading asks nobody
    for _ in range(3):
        provider.backends(all=True)
        provider.get_backend("yes")
    assert CALLS == {"probe_yes": 1, "probe_no": 1}
    provider.refresh()
    provider.backends(all=True)
    assert CALLS == {"probe_yes": 2, "probe_no": 2}


def test_only_the_backend_that_is_named_is_probed(sites: FakeSites) -> None:
    two_that_count_their_probes(sites)
    Provider().get_backend("yes")
    assert CALLS == {"probe_yes": 1}


def test_a_reason_is_one_line(sites: FakeSites) -> None:
    sites.write("fake-wordy", spec("wordy", probe="tests.support.fake_backends:probe_wordy"))
    (row,) = Provider().backends("wordy", all=True)
    assert (row.reason, row.hint) == ("no device; no driver", "pip install .")


def test_what_a_probe_tells_is_listed(sites: FakeSites) -> None:
    sites.use("good")
    (row,) = Provider().backends("fake")
    assert row.details == {"cores": 3}
