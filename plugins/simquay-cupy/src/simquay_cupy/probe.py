"""The probe of the backend ``cupy``, which does not start CUDA.

A process that has started CUDA cannot use it in forked children, and starting takes a second and
some memory of the device. So the probe does not initialise the driver: the call for its version
needs no initialisation, and devices are listed by NVML, the driver's management library. CuPy is
looked up, not imported.
"""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simquay.plugin import Available, ProbeResult, Unavailable, require
from simquay_cupy.plugin import install_hint

__all__ = ["DeviceFacts", "driver_version", "probe", "visible_devices"]

OLDEST_CUDA = 12
"""The oldest generation of CUDA that there is an extra for."""

OLDEST_CAPABILITY = {12: (7, 0), 13: (7, 5)}
"""The oldest compute capability that CUDA compiles for, by generation."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device as NVML describes it.

    Attributes:
        name: as the maker calls it.
        memory: bytes.
        capability: compute capability, major and minor.
    """

    name: str
    memory: int
    capability: tuple[int, int]


def probe() -> ProbeResult:
    """The plugin's probe; see :class:`simquay.plugin.BackendSpec`."""
    driver = driver_version()
    if driver is None:
        return Unavailable(
            "no NVIDIA driver was found (libcuda.so.1)",
            hint=f"install the NVIDIA driver, then: {install_hint()}",
        )
    if driver[0] < OLDEST_CUDA:
        return Unavailable(
            f"the NVIDIA driver is for CUDA {_dotted(driver)}; CUDA {OLDEST_CUDA} is the oldest "
            "that works",
            hint="update the NVIDIA driver",
        )
    hint = install_hint(driver[0])
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return Unavailable(
            f"CUDA_VISIBLE_DEVICES={hidden!r} hides every CUDA device",
            hint="unset CUDA_VISIBLE_DEVICES",
        )
    devices = visible_devices()
    if devices is not None and not devices:
        return Unavailable("the NVIDIA driver sees no device", hint="look at nvidia-smi")
    cupy = require("cupy", title="CuPy", hint=hint)
    if isinstance(cupy, Unavailable):
        return cupy
    package, cupy_version, built_for = _cupy_distribution()
    if built_for is not None and built_for > driver[0]:
        return Unavailable(
            f"{package} needs a driver for CUDA {built_for}, and this one is for CUDA "
            f"{_dotted(driver)}",
            hint=f"pip uninstall {package}; {hint}",
        )
    if devices:
        oldest = OLDEST_CAPABILITY.get(built_for or driver[0], (0, 0))
        if devices[0].capability < oldest:
            return Unavailable(
                f"{devices[0].name} has compute capability {_dotted(devices[0].capability)}; "
                f"{package} works from {_dotted(oldest)} on",
                hint=install_hint(12)
                if devices[0].capability >= OLDEST_CAPABILITY[12]
                else "use a CPU backend",
            )
    qiskit = require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
    if isinstance(qiskit, Unavailable):
        return qiskit
    return Available(_details(driver, package, cupy_version, devices))


def _details(
    driver: tuple[int, int],
    package: str,
    cupy_version: str,
    devices: list[DeviceFacts] | None,
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "driver CUDA": _dotted(driver),
        "CUDA runtime": _cuda_runtime(package),
        "cupy": f"{cupy_version} ({package})",
    }
    kernel_module = _driver_release()
    if kernel_module:
        details["driver"] = kernel_module
    if devices:
        details |= {
            "device": devices[0].name,
            "memory": f"{devices[0].memory / 2**30:.1f} GiB",
            "compute capability": _dotted(devices[0].capability),
            "devices": len(devices),
        }
    return details


def _dotted(pair: tuple[int, int]) -> str:
    return f"{pair[0]}.{pair[1]}"


def _cupy_distribution() -> tuple[str, str, int | None]:
    """The distribution that CuPy came in, its version, and the CUDA generation it is built for
    (None for one that was built from source)."""
    generations = {"cupy-cuda13x": 13, "cupy-cuda12x": 12, "cupy-cuda11x": 11, "cupy": None}
    for name, generation in generations.items():
        with suppress(PackageNotFoundError):
            return name, version(name), generation
    return "cupy", "of unknown version", None


def _cuda_runtime(package: str) -> str:
    """The CUDA runtime that CuPy calls, which its wheels contain, and the NVRTC that compiles the
    kernels: a package, or part of the machine's CUDA toolkit."""
    generation = re.fullmatch(r"cupy-cuda(\d+)x", package)
    inside = f"{generation.group(1)}.x" if generation else "as built"
    for name in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        with suppress(PackageNotFoundError):
            return f"{inside}, kernels by NVRTC {version(name)}"
    return f"{inside}, kernels by the NVRTC of the machine's CUDA toolkit"


def driver_version() -> tuple[int, int] | None:
    """The newest CUDA that the driver runs, as (major, minor); None without a driver."""
    library = _library("libcuda.so.1", "nvcuda.dll")
    if library is None:
        return None
    number = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(number)) or number.value <= 0:
        return None
    return number.value // 1000, number.value % 1000 // 10


def _library(*names: str) -> ctypes.CDLL | None:
    for name in names:
        with suppress(OSError):
            return ctypes.CDLL(name)
    return None


def _driver_release() -> str:
    """The driver's release, such as 580.95; empty if it is not known."""
    with suppress(OSError):
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", text)
        return found.group() if found else ""
    return ""


def visible_devices() -> list[DeviceFacts] | None:
    """The devices that the process sees, in order; None if NVML is missing or does not answer.

    ``CUDA_VISIBLE_DEVICES`` counts if it has numbers; otherwise it is NVML's list.
    """
    nvml = _library("libnvidia-ml.so.1", "nvml.dll")
    if nvml is None or nvml.nvmlInit_v2():
        return None
    try:
        count = ctypes.c_uint()
        if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return None
        devices = [_device_facts(nvml, number) for number in range(count.value)]
    finally:
        nvml.nvmlShutdown()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", chosen):
        numbers = [int(part) for part in chosen.split(",")]
        return [devices[number] for number in numbers if number < len(devices)]
    return devices


def _device_facts(nvml: ctypes.CDLL, number: int) -> DeviceFacts:
    handle = ctypes.c_void_p()
    name = ctypes.create_string_buffer(96)
    memory = (ctypes.c_ulonglong * 3)()  # nvmlMemory_t: total, free, used
    major, minor = ctypes.c_int(), ctypes.c_int()
    failed = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(handle))
    if not failed:
        nvml.nvmlDeviceGetName(handle, name, ctypes.c_uint(len(name)))
        nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
        nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor))
    text = name.value.decode(errors="replace") or f"device {number}"
    return DeviceFacts(text, memory[0], (major.value, minor.value))
