"""The kernels' source text, as one translation unit."""

from __future__ import annotations

import re
from importlib.resources import files

__all__ = ["kernel_source"]

_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)


def kernel_source(name: str = "kernels.cu") -> str:
    """The text of ``cuda/<name>`` with the package's own headers put in place, each once.

    A compiler's cache can then see by the text alone whether anything changed.
    """
    return _inline(name, set())


def _inline(name: str, seen: set[str]) -> str:
    if name in seen:
        return ""
    seen.add(name)
    text = (files("simquay_cupy") / "cuda" / name).read_text(encoding="utf-8")
    text = text.replace("#pragma once\n", "")
    return _INCLUDE.sub(lambda match: _inline(match.group(1), seen), text)
