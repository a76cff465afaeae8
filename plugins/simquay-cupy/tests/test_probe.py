"""The probe says what is missing, and starts nothing."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from simquay import Provider
from simquay.plugin import Available, ProbeResult, Unavailable
from simquay_cupy import probe as module
from simquay_cupy.probe import DeviceFacts, probe

H100 = DeviceFacts("NVIDIA H100 80GB HBM3", 85_520_809_984, (9, 0))


def installed_but(*missing: str) -> Callable[..., ProbeResult]:
    """``require`` as it answers where everything but ``missing`` is installed."""

    def require(module: str, *, hint: str, title: str) -> ProbeResult:
        return Unavailable(f"{title} is not installed", hint) if module in missing else Available()

    return require


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine that has everything; tests take things away."""
    monkeypatch.setattr(module, "driver_version", lambda: (13, 0))
    monkeypatch.setattr(module, "visible_devices", lambda: [H100])
    monkeypatch.setattr(module, "require", installed_but())
    monkeypatch.setattr(module, "_cupy_distribution", lambda: ("cupy-cuda13x", "14.2.0", 13))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def unavailable() -> Unavailable:
    found = probe()
    assert isinstance(found, Unavailable)
    return found


@pytest.mark.usefixtures("machine")
def test_a_machine_with_everything() -> None:
    found = probe()
    assert isinstance(found, Available)
    assert found.details["device"] == "NVIDIA H100 80GB HBM3"
    assert found.details["compute capability"] == "9.0"
    assert found.details["driver CUDA"] == "13.0"
    assert found.details["cupy"] == "14.2.0 (cupy-cuda13x)"
    assert found.details["memory"] == "79.6 GiB"
    assert found.details["CUDA runtime"].startswith("13.x, kernels by")


@pytest.mark.parametrize(
    ("installed", "package", "expected"),
    [
        ("nvidia-cuda-nvrtc", "cupy-cuda13x", "13.x, kernels by NVRTC 1.2.3"),
        ("nvidia-cuda-nvrtc-cu12", "cupy-cuda12x", "12.x, kernels by NVRTC 1.2.3"),
        ("", "cupy-cuda12x", "12.x, kernels by the NVRTC of the machine's CUDA toolkit"),
        ("", "cupy", "as built, kernels by the NVRTC of the machine's CUDA toolkit"),
    ],
)
def test_the_cuda_that_runs_and_the_one_that_compiles(
    machine: pytest.MonkeyPatch, installed: str, package: str, expected: str
) -> None:
    def version(name: str) -> str:
        if name == installed:
            return "1.2.3"
        raise PackageNotFoundError(name)

    machine.setattr(module, "version", version)
    assert module._cuda_runtime(package) == expected


def test_a_listing_shows_it_all(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "_driver_release", lambda: "580.95")
    (found,) = (backend for backend in Provider().backends(all=True) if backend.name == "cupy")
    assert found.status == "available"
    assert {
        "driver": "580.95",
        "driver CUDA": "13.0",
        "cupy": "14.2.0 (cupy-cuda13x)",
        "device": "NVIDIA H100 80GB HBM3",
        "memory": "79.6 GiB",
        "compute capability": "9.0",
        "devices": 1,
    }.items() <= found.details.items()
    assert "CUDA runtime" in found.details


def test_no_driver(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "driver_version", lambda: None)
    assert "no NVIDIA driver" in unavailable().reason


@pytest.mark.parametrize(("driver", "extra"), [((12, 4), "cuda12"), ((13, 0), "cuda13")])
def test_the_hint_is_for_the_drivers_cuda(
    machine: pytest.MonkeyPatch, driver: tuple[int, int], extra: str
) -> None:
    machine.setattr(module, "driver_version", lambda: driver)
    machine.setattr(module, "require", installed_but("cupy"))
    found = unavailable()
    assert found.reason == "CuPy is not installed"
    assert found.hint == f'pip install ".[{extra}]" in a checkout of Simquay'


def test_a_driver_newer_than_any_extra_gets_the_newest(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "driver_version", lambda: (14, 1))
    machine.setattr(module, "require", installed_but("cupy"))
    assert unavailable().hint == 'pip install ".[cuda13]" in a checkout of Simquay'


def test_an_old_driver(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "driver_version", lambda: (11, 8))
    found = unavailable()
    assert "CUDA 11.8" in found.reason
    assert found.hint == "update the NVIDIA driver"


def test_a_cupy_for_a_newer_cuda_than_the_drivers(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "driver_version", lambda: (12, 8))
    found = unavailable()
    assert "cupy-cuda13x needs a driver for CUDA 13" in found.reason
    assert found.hint == (
        'pip uninstall cupy-cuda13x; pip install ".[cuda12]" in a checkout of Simquay'
    )


@pytest.mark.parametrize("value", ["", "-1"])
def test_hidden_devices(machine: pytest.MonkeyPatch, value: str) -> None:
    machine.setenv("CUDA_VISIBLE_DEVICES", value)
    assert "hides every CUDA device" in unavailable().reason


def test_no_device(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "visible_devices", list)
    assert "no device" in unavailable().reason


def test_a_device_too_old(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "visible_devices", lambda: [DeviceFacts("V100", 1 << 34, (7, 0))])
    found = unavailable()
    assert "compute capability 7.0" in found.reason
    assert "cuda12" in found.hint


def test_nvml_may_be_missing(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "visible_devices", lambda: None)
    found = probe()
    assert isinstance(found, Available)
    assert "device" not in found.details


def test_no_qiskit(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "require", installed_but("qiskit"))
    assert "Qiskit" in unavailable().reason


def test_without_the_driver_s_libraries_nothing_is_known(machine: pytest.MonkeyPatch) -> None:
    """The real functions, on a machine on which no library can be loaded."""

    def missing(name: str) -> None:
        raise OSError(name)

    machine.undo()
    machine.setattr(ctypes, "CDLL", missing)
    assert module.driver_version() is None
    assert module.visible_devices() is None
    assert "no NVIDIA driver" in unavailable().reason


class Library:
    """A stand-in for libcuda and NVML, which write their answers through pointers."""

    def cuDriverGetVersion(self, number: Any) -> int:  # noqa: N802  # CUDA's name
        number._obj.value = 12080
        return 0

    def nvmlInit_v2(self) -> int:  # noqa: N802  # NVML's name
        return 0

    def nvmlShutdown(self) -> int:  # noqa: N802  # the C name
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802  # the C name
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number: Any, handle: Any) -> int:  # noqa: N802  # the C name
        handle._obj.value = 1 + number.value
        return 0

    def nvmlDeviceGetName(self, handle: Any, name: Any, size: Any) -> int:  # noqa: N802  # the C name
        name.value = b"GPU %d" % (handle.value - 1)
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802  # the C name
        memory._obj[0] = 8 << 30
        return 0

    def nvmlDeviceGetCudaComputeCapability(  # noqa: N802  # the C name
        self, handle: Any, major: Any, minor: Any
    ) -> int:
        major._obj.value, minor._obj.value = 8, 6
        return 0


@pytest.mark.parametrize(
    ("visible", "names"),
    [(None, ["GPU 0", "GPU 1"]), ("1", ["GPU 1"]), ("1,0", ["GPU 1", "GPU 0"]), ("7", [])],
)
def test_the_driver_and_nvml_are_asked(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, names: list[str]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert module.driver_version() == (12, 8)
    found = module.visible_devices()
    assert found == [DeviceFacts(name, 8 << 30, (8, 6)) for name in names]
