"""Where the checkout's folders are."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CIRCUITS", "DATA", "DOCS", "ROOT"]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
CIRCUITS = DATA / "circuits"
DOCS = ROOT / "docs"
