"""The fixtures that this folder shares with others."""

from __future__ import annotations

from tests.support.executor_fixtures import expected, held, processes, threads

__all__ = ["expected", "held", "processes", "threads"]
