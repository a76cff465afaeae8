"""The kernels' source text, as one translation unit."""

from __future__ import annotations

import re
from importlib.resources import files

__all__ = ["kernel_source", "with_headers"]

_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)


def kernel_source() -> str:
    """The text of ``cuda/kernels.cu`` with the package's headers in place of their includes.

    A compiler's cache then sees by the text alone whether anything changed.
    """
    return with_headers(_read("kernels.cu"))


def with_headers(text: str) -> str:
    """``text`` with the package's headers in place of their includes, each header once."""
    seen: set[str] = set()

    def header(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return ""
        seen.add(name)
        return _INCLUDE.sub(header, _read(name).replace("#pragma once\n", ""))

    return _INCLUDE.sub(header, text)


def _read(name: str) -> str:
    return (files("simquay_cupy") / "cuda" / name).read_text(encoding="utf-8")
