"""What runs: device, driver, versions, commit, and the rate of copies. `python -m` prints them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import cupy
import numpy as np

from benchmarks.tables import Row
from simquay.program import Precision
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.engine import CupyEngine
from simquay_cupy.probe import probe

__all__ = ["SHARE", "environment", "floor_seconds"]

PEAK_FLOPS = {  # by name and precision, from the vendor's datasheets
    "H100": {Precision.SINGLE: 67e12, Precision.DOUBLE: 33.5e12},
    "H200": {Precision.SINGLE: 67e12, Precision.DOUBLE: 33.5e12},
    "A100": {Precision.SINGLE: 19.5e12, Precision.DOUBLE: 9.7e12},
}
SHARE = 0.7
"""Of the peak rate: what the arithmetic of a good kernel reaches."""

COPY_BYTES = 4 << 30
"""Or an eighth of what is free, if that is less."""

PACKAGES = ("numpy", "cupy-cuda13x", "cupy-cuda12x", "numba", "pytest", "hypothesis")


def environment(engine: CupyEngine, commit: str | None = None) -> Row:
    """The facts of a report. Without ``commit``, git is asked, which may not be there."""
    properties = cupy.cuda.runtime.getDeviceProperties(engine.on.number)
    found = probe()
    return {
        "device": properties["name"].decode(),
        "multiprocessors": properties["multiProcessorCount"],
        "driver": _said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "clocks": _said("nvidia-smi", "--query-gpu=clocks.sm,clocks.max.sm", "--format=csv"),
        "probe": getattr(found, "details", None) or getattr(found, "reason", ""),
        "free bytes": engine.available_bytes(),
        "copy TB/s": copy_rate(engine) / 1e12,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **{name: told for name in PACKAGES if (told := _version(name))},
        "commit": commit or _said("git", "rev-parse", "--short", "HEAD"),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except OSError as error:
        return f"unknown: {error}"
    return done.stdout.strip() or f"unknown: {done.stderr.strip()}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def copy_rate(engine: CupyEngine) -> float:
    """Bytes a second that a device-to-device copy reads and writes; the best of ten."""
    size = min(COPY_BYTES, engine.available_bytes() // 8)
    source, target = (engine.on.empty((size // 8,), np.float64) for _ in range(2))
    seconds = min(engine.on.timed(lambda: cupy.copyto(target, source)) for _ in range(10))
    return 2 * size / seconds


def floor_seconds(amplitudes: float, flops: float, precision: Precision, facts: Row) -> Row:
    """The least time for this traffic and arithmetic on the device of ``facts``."""
    memory = precision.amplitude_bytes * amplitudes / (1e12 * facts["copy TB/s"])
    peak = next((rates for key, rates in PEAK_FLOPS.items() if key in facts["device"]), None)
    arithmetic = flops / (SHARE * peak[precision]) if peak else 0.0
    bound = "memory" if memory > arithmetic else "flops"
    return {"floor ms": 1e3 * max(memory, arithmetic), "bound": bound}


if __name__ == "__main__":
    print(json.dumps(environment(CupyEngine(CudaDevice()), *sys.argv[1:]), indent=1, default=str))
