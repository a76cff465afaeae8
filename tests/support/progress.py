"""What a control was told of a run's progress."""

from __future__ import annotations

from simquay.control import Control

__all__ = ["ProgressWatcher"]


class ProgressWatcher(Control):
    """Keeps the fraction after each report to the control itself, in ``seen``."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def report(self, fraction: float) -> None:
        super().report(fraction)
        self.seen.append(self.fraction)
