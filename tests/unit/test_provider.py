"""``simquay.get_backend``, ``simquay.backends`` and ``simquay.Provider``."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2

import simquay
import simquay.errors
from simquay.provider import Provider, default_provider
from simquay.registry import BackendInfo, Resolution
from tests.support.fake_plugins import FakeSites, fake_sites, spec


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSites]:
    yield from fake_sites(monkeypatch, tmp_path)


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_the_own_backends_are_made(name: str) -> None:
    provider = Provider()
    backend = provider.get_backend(name)
    assert isinstance(backend, BackendV2)
    assert backend.name == name
    assert backend.simquay_resolution == Resolution(
        requested=name,
        name=name,
        distribution="simquay",
        version=simquay.__version__,
        device="cpu",
    )
    assert provider.get_backend(name) is not backend


def test_a_backend_is_made_with_options() -> None:
    backend = simquay.get_backend("numpy", shots=3, precision="single")
    assert (backend.options.shots, backend.options.precision) == (3, "single")
    assert simquay.get_backend("basic", shots=4).options.shots == 4
    with pytest.raises(simquay.errors.OptionError, match="did you mean 'shots'"):
        simquay.get_backend("numpy", shotts=3)


def test_the_functions_of_the_package(sites: FakeSites) -> None:
    assert simquay.Provider is Provider
    assert simquay.get_backend("reference").name == "reference"
    with pytest.warns(simquay.errors.SimquayFallbackWarning, match="using 'reference'"):
        simquay.get_backend("cupy", fallback="reference")
    (row,) = simquay.backends("reference")
    assert (row.name, row.distribution) == ("reference", "simquay")
    assert {"Provider", "backends", "get_backend", "__version__"} <= set(dir(simquay))
    with pytest.raises(AttributeError, match="module 'simquay' has no attribute 'get_backends'"):
        simquay.get_backends  # noqa: B018  # asking is the test


def test_rows(sites: FakeSites) -> None:
    sites.use("good")
    rows = {row.name: row for row in Provider().backends(all=True)}
    assert rows["fake"] == BackendInfo(
        name="fake",
        lookup="fake",
        aliases=("fakey", "phoney"),
        device="cpu",
        priority=10,
        available=True,
        ambiguous=False,
        reason="",
        hint="",
        distribution="fake-good",
        version="1.0",
        description="A backend that runs nothing",
        details={"cores": 3},
    )
    absent = rows["fake-gpu"]
    assert (absent.status, absent.available) == ("unavailable", False)
    assert (absent.reason, absent.hint) == ("no such device is plugged in", "buy the device")
    assert rows["fake-oracle"].status == "available"
    with pytest.raises(dataclasses.FrozenInstanceError):
        absent.name = "other"  # type: ignore[misc]  # that it fails is the test


def test_which_rows(sites: FakeSites) -> None:
    sites.use("good")
    sites.write("fake-more", spec("first", priority=10**6), spec("card", device="gpu"))
    provider = Provider()

    def names(
        name: str | None = None, device: Literal["cpu", "gpu"] | None = None, all: bool = False
    ) -> list[str]:
        found = provider.backends(name, device=device, all=all)
        ours = ("fake-good", "fake-more", "simquay")
        return [row.name for row in found if row.distribution in ours]

    assert names() == ["first", "numpy", "fake", "card", "reference", "fake-oracle", "basic"]
    assert names(all=True) == ["first", "numpy", "fake-gpu", "fake", *names()[3:]]
    assert names(device="gpu") == ["card"]
    assert names(device="gpu", all=True) == ["fake-gpu", "card"]
    assert names("Phoney") == ["fake"]
    assert names("fake-good:fake") == ["fake"]
    assert names("fake-gpu") == []
    assert names("fake-gpu", all=True) == ["fake-gpu"]
    assert names("gpu", all=True) == ["fake-gpu", "card"]
    assert names("cpu") == ["first", "numpy", "fake", "reference", "fake-oracle", "basic"]
    assert names("auto") == names()
    assert names("no-such") == []


def test_every_row_can_be_had(sites: FakeSites) -> None:
    sites.use("good")
    provider = Provider()
    for row in provider.backends():
        assert provider.get_backend(row.lookup).simquay_resolution.name == row.name


def test_questions_that_make_no_sense(sites: FakeSites) -> None:
    provider = Provider()
    with pytest.raises(ValueError, match="device 'tpu': expected 'cpu', 'gpu' or None"):
        provider.backends(device="tpu")  # type: ignore[arg-type]  # refused at run time
    with pytest.raises(TypeError, match="name 3 is a int: expected a backend's name"):
        provider.backends(3)  # type: ignore[arg-type]  # refused at run time


def test_a_job_says_that_a_fallback_was_taken(sites: FakeSites) -> None:
    sites.use("good")
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    provider = Provider()
    with pytest.warns(simquay.errors.SimquayFallbackWarning):
        job = provider.get_backend("fake-gpu", fallback="numpy").run(circuit, shots=3)
    assert job.metadata["backend"] == "numpy"
    fallback = job.metadata["fallback"]
    assert fallback["from"] == "fake-gpu"
    assert "no such device is plugged in" in fallback["reason"]
    assert job.result().get_counts() == {"0": 3}
    assert provider.get_backend("numpy").run(circuit).metadata["fallback"] is None


def test_threads_share_one_default_provider() -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> Provider:
        together.wait()
        return default_provider()

    with ThreadPoolExecutor(8) as pool:
        assert len({id(provider) for provider in pool.map(ask, range(8))}) == 1
