"""Why a job is ``QUEUED``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simquay.system.memory import format_bytes

__all__ = ["QueueInfo"]


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """What a queued job waits for; ``str()`` says it in words.

    Attributes:
        reason: ``memory`` or ``worker``.
        position: the number of tasks that began to wait before it.
        needed: bytes that it waits for; 0 where it waits for a worker.
        limit: bytes that the device can give to all runs.
        reserved: bytes of these that are taken now.
        device: the device in words.
        held_by: by the ids of running jobs: the bytes that each has reserved of that device.
    """

    reason: str
    position: int
    needed: int = 0
    limit: int = 0
    reserved: int = 0
    device: str = ""
    held_by: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.reason == "worker":
            return f"waits for a worker, with {self.position} tasks before it"
        text = (
            f"waits for {format_bytes(self.needed)} of memory: of the {format_bytes(self.limit)} "
            f"of {self.device}, {format_bytes(self.reserved)} are reserved"
        )
        holders = [f"job {name} ({format_bytes(count)})" for name, count in self.held_by.items()]
        return text + (f", by {', '.join(holders)}" if holders else "")
