"""The kernels compile for the architectures that there are, and keep their data in registers."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest
from quayside_cupy.sources import kernel_source

NVCC = shutil.which("nvcc")


ARCHITECTURES = ["sm_75", "sm_80", "sm_90", "sm_100"]

PACKAGES = ["nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"]
"""Of CUDA 13 and of CUDA 12: what the extras ``cuda13`` and ``cuda12`` bring."""


def load_nvrtc(package: str) -> ctypes.CDLL | None:
    """The compiler that CuPy uses; the ``test`` extra brings the wheel where there is one."""
    try:
        found = [file for file in files(package) or () if file.match("libnvrtc.so.*")]
    except PackageNotFoundError:
        return None
    return ctypes.CDLL(str(found[0].locate()))


MOST_SPILLED = {"tile_pass_double": 144}
"""Bytes that are written and read back somewhere in a kernel; none but these."""

MOST_REGISTERS = {"sm_100": 128}
"""Two blocks of 256 threads fit a multiprocessor of 65,536 registers; of 80, otherwise, three."""


def compile_for(architecture: str, folder: Path) -> dict[str, tuple[int, int]]:
    """Registers and spilled bytes of each kernel, as ptxas says."""
    source = folder / "kernels.cu"
    source.write_text(kernel_source(), encoding="utf-8")
    command = [NVCC or "", "-std=c++17", "-cubin", f"-arch={architecture}", "-Xptxas=-v"]
    command += ["-Werror=all-warnings", "-o", str(folder / "kernels.cubin"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads"
        r".*?Used (\d+) registers",
        done.stderr,
        re.S,
    )
    return {name: (int(used), int(out) + int(back)) for name, out, back, used in found}


@pytest.mark.skipif(NVCC is None, reason="no nvcc to compile the kernels with")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_kernels_compile_without_spills(architecture: str, tmp_path: Path) -> None:
    kernels = compile_for(architecture, tmp_path)
    names = ("tile_pass", "marginal", "pauli_sums", "project", "flip_bits", "pick")
    expected = {f"{name}_{kind}" for name in names for kind in ("single", "double")}
    assert set(kernels) == {*expected, "tile_pass_double12"}
    for name, (registers, spilled) in kernels.items():
        most = 255 if name == "tile_pass_double12" else MOST_REGISTERS.get(architecture, 80)
        assert registers <= most, name
        assert spilled <= MOST_SPILLED.get(name, 0), name


@pytest.mark.parametrize("module", ["SINGLE", "DOUBLE", "DOUBLE12"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("package", PACKAGES)
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
    given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    failed = nvrtc.nvrtcCompileProgram(program, len(options), given)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, log.value.decode()
