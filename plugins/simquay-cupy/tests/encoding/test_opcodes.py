"""The opcodes are the same in Python and in CUDA."""

from __future__ import annotations

import re
from importlib.resources import files

from simquay_cupy import states
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
    assert defined("whole_state.cuh")["THREADS"] == states.THREADS
