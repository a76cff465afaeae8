"""The kernels compile for every architecture, and keep their data in registers.

CuPy compiles them with NVRTC, of CUDA 12 or 13; nvcc reports warnings as well. Each architecture is
compiled once in every run, and each compiler is tried; all the other pairs are marked ``long``. The
kernels' ``#if`` are the same for the first two architectures, and for the last two, but for a
constant.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from simquay_cupy.device.sources import kernel_source

NVCC = shutil.which("nvcc")

LONG = pytest.mark.long
ARCHITECTURES = ["sm_75", "sm_80", "sm_90", "sm_100"]
BY_NVCC = [pytest.param(name, marks=[] if name == "sm_90" else [LONG]) for name in ARCHITECTURES]

PACKAGES = ["nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"]
"""Of CUDA 13 and of CUDA 12: what the extras ``cuda13`` and ``cuda12`` bring."""

ALWAYS = {(PACKAGES[1], "sm_75"), (PACKAGES[0], "sm_80"), (PACKAGES[0], "sm_100")}
if NVCC is None:
    ALWAYS.add((PACKAGES[0], "sm_90"))
AT_RUN_TIME = [
    pytest.param(package, name, marks=[] if (package, name) in ALWAYS else [LONG])
    for package in PACKAGES
    for name in ARCHITECTURES
]


def load_nvrtc(package: str) -> ctypes.CDLL | None:
    """The compiler that CuPy uses; the ``test`` extra brings the wheel where there is one."""
    try:
        found = [file for file in files(package) or () if file.match("libnvrtc.so.*")]
    except PackageNotFoundError:
        return None
    return ctypes.CDLL(str(found[0].locate()))


MOST_REGISTERS = {"sm_75": 128, "sm_100": 128}
"""Two blocks of 256 threads fit a multiprocessor of 65,536 registers; of 80, otherwise, three."""


WHOLE_STATE = (
    "marginal",
    "string_sums",
    "project",
    "flip_bits",
    "add_strings",
    "select",
    "pick",
)

KERNELS = {
    "SINGLE": {f"{name}_single" for name in ("tile_pass", *WHOLE_STATE)},
    "DOUBLE": {f"{name}_double" for name in ("tile_pass", *WHOLE_STATE)},
    "DOUBLE12": {"tile_pass_double12"},
}
"""Of each module."""


def check(said: str, architecture: str, expected: set[str]) -> None:
    """What ptxas ``said`` of registers and spills is about the ``expected`` kernels, and good."""
    found = re.findall(
        r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads"
        r".*?Used (\d+) registers",
        said,
        re.S,
    )
    assert {name for name, *_ in found} == expected
    for name, stored, loaded, used in found:
        most = 255 if name == "tile_pass_double12" else MOST_REGISTERS.get(architecture, 80)
        assert int(used) <= most, name
        assert (stored, loaded) == ("0", "0"), name


@pytest.mark.skipif(NVCC is None, reason="no nvcc to compile the kernels with")
@pytest.mark.parametrize("architecture", BY_NVCC)
def test_kernels_compile_without_spills(architecture: str, tmp_path: Path) -> None:
    source = tmp_path / "kernels.cu"
    source.write_text(kernel_source(), encoding="utf-8")
    command = [NVCC or "", "-std=c++17", "-cubin", f"-arch={architecture}", "-Xptxas=-v"]
    command += ["-Werror=all-warnings", "-o", str(tmp_path / "kernels.cubin"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check(done.stderr, architecture, set().union(*KERNELS.values()))


@pytest.mark.parametrize("module", KERNELS)
@pytest.mark.parametrize(("package", "architecture"), AT_RUN_TIME)
def test_kernels_compile_at_run_time(package: str, architecture: str, module: str) -> None:
    nvrtc = load_nvrtc(package)
    if nvrtc is None:
        pytest.skip(f"NVIDIA has no wheel of {package} for this machine")
    program = ctypes.c_void_p()
    source = kernel_source().encode()
    assert (
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"kernels.cu", 0, None, None) == 0
    )
    options = [f"--gpu-architecture={architecture}", "-std=c++17", f"-DQS_{module}"]
    options.append("--ptxas-options=-v")
    given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    failed = nvrtc.nvrtcCompileProgram(program, len(options), given)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, log.value.decode()
    check(log.value.decode(), architecture, KERNELS[module])
