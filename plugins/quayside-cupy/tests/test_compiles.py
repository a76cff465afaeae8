"""The kernels compile for the architectures that there are, and keep their data in registers."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from quayside_cupy.sources import kernel_source

NVCC = shutil.which("nvcc")


def find_nvrtc() -> ctypes.CDLL | None:
    """The compiler that CuPy uses, where the loader finds it."""
    for name in ("libnvrtc.so.13", "libnvrtc.so.12", ctypes.util.find_library("nvrtc")):
        with suppress(OSError):
            if name:
                return ctypes.CDLL(name)
    return None


NVRTC = find_nvrtc()

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
@pytest.mark.parametrize(
    "architecture",
    [
        "sm_90",
        *(pytest.param(f"sm_{number}", marks=pytest.mark.long) for number in (75, 80, 100)),
    ],
)
def test_kernels_compile_without_spills(architecture: str, tmp_path: Path) -> None:
    kernels = compile_for(architecture, tmp_path)
    names = ("tile_pass", "marginal", "pauli_sums", "project", "flip_bits", "pick")
    assert set(kernels) == {f"{name}_{kind}" for name in names for kind in ("single", "double")}
    for name, (registers, spilled) in kernels.items():
        assert registers <= MOST_REGISTERS.get(architecture, 80), name
        assert spilled <= MOST_SPILLED.get(name, 0), name


@pytest.mark.skipif(NVRTC is None, reason="no NVRTC to compile the kernels with")
@pytest.mark.parametrize("precision", ["SINGLE", "DOUBLE"])
@pytest.mark.parametrize(
    "architecture",
    [
        "sm_90",
        *(pytest.param(f"sm_{number}", marks=pytest.mark.long) for number in (75, 80, 100)),
    ],
)
def test_kernels_compile_at_run_time(architecture: str, precision: str) -> None:
    assert NVRTC is not None
    program = ctypes.c_void_p()
    source = kernel_source().encode()
    assert (
        NVRTC.nvrtcCreateProgram(ctypes.byref(program), source, b"kernels.cu", 0, None, None) == 0
    )
    options = [f"--gpu-architecture={architecture}", "-std=c++17", f"-DQS_{precision}_ONLY"]
    given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    failed = NVRTC.nvrtcCompileProgram(program, len(options), given)
    size = ctypes.c_size_t()
    NVRTC.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    NVRTC.nvrtcGetProgramLog(program, log)
    NVRTC.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, log.value.decode()
