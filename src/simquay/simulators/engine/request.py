"""What finishes a kept job on an engine in another process: programs and plain data, as bytes.

Nothing is lowered again: programs hold all that a circuit does. The answer of each task is such
data, too.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

from simquay.circuits.info import CircuitInfo
from simquay.errors import ProgramError
from simquay.execution.points import pack, unpack
from simquay.execution.settings import Outcome, Piece
from simquay.jobs.store.encoding import decoded, encoded
from simquay.jobs.store.keeper import tell
from simquay.jobs.store.store import JobStore
from simquay.program.packing import pack_tree, unpack_tree
from simquay.simulators.engine.pubs.bits import RegisterBits
from simquay.simulators.engine.pubs.jobs import JoinPubs
from simquay.simulators.engine.pubs.shown import EstimatedShown, ProbabilitiesShown, SampledShown
from simquay.simulators.engine.remote import CLASSES as REMOTE_CLASSES
from simquay.simulators.engine.work import Part
from simquay.simulators.worker import Answer

__all__ = ["EngineRequest", "answer_from_bytes", "answer_to_bytes", "answers_in"]

_REQUEST_FORMAT = 1
_ANSWER_FORMAT = 1
"""Raised when the fields change, or the layout of packed bytes."""

_CLASSES = {
    **REMOTE_CLASSES,
    **{
        cls.__name__: cls
        for cls in (
            *(CircuitInfo, JoinPubs, SampledShown, ProbabilitiesShown, EstimatedShown),
            RegisterBits,
        )
    },
}

Told: TypeAlias = Union[CircuitInfo, SampledShown, ProbabilitiesShown, EstimatedShown]
"""One for each circuit or pub; its metadata are the user's, and may be anything."""

T = TypeVar("T", bound=Told)


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """A job on an engine.

    Attributes:
        engine: its name.
        parts: of the job.
        pieces: for each part those of its tasks; none at all for a job of one task that gives
            results, as most runs are.
        told: what tells how results are shown: the infos of the circuits of a run, or the join of
            a primitive's job, without pieces.
    """

    engine: str
    parts: Sequence[Part]
    pieces: Sequence[Sequence[Piece]]
    told: Sequence[CircuitInfo] | JoinPubs

    def to_bytes(self) -> bytes:
        """The request as bytes.

        Raises:
            RecursionError: for control flow that is nested more deeply than Python's stack allows.
        """
        told = self.told
        each: Sequence[Told] = told.shown if isinstance(told, JoinPubs) else told
        metadata = encoded([one.metadata for one in each], small=math.inf).tree
        bare = tuple([dataclasses.replace(one, metadata={}) for one in each])
        request = {
            "engine": self.engine,
            "parts": [
                (tuple(numbers), _array(pack(programs)), context)
                for numbers, programs, context in self.parts
            ],
            "pieces": self.pieces,
            "told": dataclasses.replace(told, shown=()) if isinstance(told, JoinPubs) else None,
            "each": bare,
            "metadata": json.dumps(metadata),
        }
        return pack_tree("engine request", _REQUEST_FORMAT, request)

    @classmethod
    def from_bytes(cls, data: bytes) -> EngineRequest:
        """The request that :meth:`to_bytes` gave.

        Raises:
            ProgramError: it is none, or of another format.
        """
        request = unpack_tree("engine request", _REQUEST_FORMAT, data, _CLASSES)
        metadata = decoded(json.loads(request["metadata"]), {})
        each = [
            dataclasses.replace(one, metadata=own)
            for one, own in zip(request["each"], metadata, strict=True)
        ]
        told = request["told"]
        return cls(
            request["engine"],
            [
                Part(numbers, unpack(programs.tobytes()), context)
                for numbers, programs, context in request["parts"]
            ],
            request["pieces"],
            each if told is None else dataclasses.replace(told, shown=each),
        )


def _array(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


def answer_to_bytes(answer: Answer) -> bytes | None:
    """The answer of a task as bytes; None where a circuit of it failed, and is to run again."""
    outcomes, failures = answer.value
    if failures:
        return None
    pid, host = answer.ran_by or (os.getpid(), platform.node())
    plain = {
        "outcomes": {
            number: (outcome.results, outcome.metadata, seconds)
            for number, (outcome, seconds) in outcomes.items()
        },
        "seconds": answer.seconds,
        "pid": pid,
        "host": host,
    }
    return pack_tree("answer", _ANSWER_FORMAT, plain)


def answer_from_bytes(data: bytes) -> Answer:
    """The answer that :func:`answer_to_bytes` gave.

    Raises:
        ProgramError: it is none, or of another format.
    """
    plain = unpack_tree("answer", _ANSWER_FORMAT, data, {})
    outcomes = {
        number: (Outcome(_with_lists(results), metadata), seconds)
        for number, (results, metadata, seconds) in plain["outcomes"].items()
    }
    return Answer((outcomes, {}), plain["seconds"], (plain["pid"], plain["host"]), kept=True)


def answers_in(store: JobStore, job_id: str) -> dict[int, Answer]:
    """The answers of a job's tasks, by their numbers.

    Warns:
        SimquayWarning: some are of another format; these tasks are to run again.
    """
    read = {
        number: _answer_or_none(data, f"task {number} of job {job_id}")
        for number, data in store.task_answers(job_id).items()
    }
    return {number: answer for number, answer in read.items() if answer is not None}


def _answer_or_none(data: bytes, task: str) -> Answer | None:
    try:
        return answer_from_bytes(data)
    except ProgramError as error:
        tell(f"{task} runs again, since its answer cannot be read: {error}")
        return None


def _with_lists(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """Results whose saved lists, which packing has made tuples, are lists again."""
    if "saved" not in results:
        return results
    saved = {
        key: (
            kind,
            form,
            {
                bits: (number, list(value) if form == "list" else value)
                for bits, (number, value) in groups.items()
            },
        )
        for key, (kind, form, groups) in results["saved"].items()
    }
    return {**results, "saved": saved}
