"""What is written twice, in Python and in CUDA, is the same."""

from __future__ import annotations

import re
from importlib.resources import files

from simquay_cupy import readout
from simquay_cupy.device.sources import kernel_source
from simquay_cupy.encoding import opcodes
from simquay_cupy.encoding.programs import PROGRAM_BYTES


def defined(name: str) -> dict[str, int]:
    text = (files("simquay_cupy") / "cuda" / name).read_text(encoding="utf-8")
    return {key: int(value) for key, value in re.findall(r"^#define QS_(\w+) (\d+)\b", text, re.M)}


def test_opcodes() -> None:
    numbers = defined("opcodes.cuh")
    assert numbers.pop("HEADER") == opcodes.HEADER_WORDS
    assert numbers.pop("OPERANDS") == opcodes.OPERAND_WORDS
    assert numbers.pop("UNSCALED") == opcodes.Op.ROTATE
    assert numbers == {op.name: op.value for op in opcodes.Op}


def test_sizes() -> None:
    assert defined("platform.cuh")["PROGRAM_BYTES"] == PROGRAM_BYTES
    assert defined("whole_state.cuh")["THREADS"] == readout.THREADS


def test_a_source_is_one_text_without_local_headers() -> None:
    for name in ("kernels.cu", "host.cpp"):
        text = kernel_source(name)
        assert '#include "' not in text
        assert text.count("struct Registers {") == 1
