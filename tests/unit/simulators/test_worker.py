from __future__ import annotations

import os
import platform
from types import SimpleNamespace
from typing import Any

import pytest

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import RemoteError
from simquay.simulators import worker
from simquay.simulators.worker import Answer, RemoteTask, carry_out
from simquay.system.version import simquay_version


def find(name: str) -> Any:
    return SimpleNamespace(name=name)


def halved(finder: Any, request: bytes, circuits: bytes) -> dict[str, Any]:
    """Half of the number in the request, with the backend's name."""

    def run(backend: Any, asked: Any) -> Answer:
        if not asked["number"]:
            raise ValueError("no")
        return Answer((backend.name, asked["number"] / 2, circuits), 0.5)

    return carry_out(finder, request, "name", "one with a name", run, list)


def task(number: int, finder: Any = find) -> RemoteTask:
    return RemoteTask(halved, finder, "b", lambda: b"c", tuple, {"number": number})


def answer(number: int, finder: Any = find) -> Answer:
    return task(number, finder).run(TaskControl("job", 2))


def test_a_request_reaches_the_function_and_the_answer_says_who_gave_it() -> None:
    given = answer(3)
    assert given == Answer(("b", 1.5, b"c"), 0.5, (os.getpid(), platform.node()))
    assert given.report([0], 3, 4, 2) == {
        "circuits": [0],
        "first_shot": 3,
        "shots": 4,
        "pid": os.getpid(),
        "host": platform.node(),
        "attempt": 2,
        "seconds": 0.5,
    }


def test_an_answer_is_plain_data_on_its_way() -> None:
    call = task(3).remote(TaskControl())
    assert call.function(*call.arguments)["value"] == ["b", 1.5, b"c"]


def test_an_error_travels_as_plain_data_too() -> None:
    with pytest.raises(ValueError, match="no"):
        answer(0)


def test_a_task_of_another_version_is_refused_with_both_versions_and_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = task(3).remote(TaskControl())
    monkeypatch.setattr(worker, "simquay_version", lambda: "0.0.0")
    with pytest.raises(RemoteError) as caught:
        call.read(call.function(*call.arguments))
    text = str(caught.value)
    assert text.startswith("ForeignWorkerError: ")
    assert f"process {os.getpid()}" in text
    assert "has Simquay 0.0.0" in text
    assert f"made by Simquay {simquay_version()}" in text


def test_a_backend_of_another_kind_is_refused() -> None:
    with pytest.raises(RemoteError, match="backend 'b' is not one with a name"):
        answer(3, lambda name: SimpleNamespace())
