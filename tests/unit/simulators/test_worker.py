from __future__ import annotations

import os
import platform

import pytest

from simquay.simulators.worker import (
    Answer,
    ForeignWorkerError,
    backend_with,
    check_version,
    plain_answer,
    read_answer,
)
from simquay.system.version import simquay_version


def test_a_task_of_this_version_is_accepted() -> None:
    check_version(simquay_version())


def test_a_task_of_another_version_is_refused_with_both_versions_and_the_process() -> None:
    with pytest.raises(ForeignWorkerError) as caught:
        check_version("0.0.0")
    text = str(caught.value)
    assert f"process {os.getpid()}" in text
    assert f"has Simquay {simquay_version()}" in text
    assert "made by Simquay 0.0.0" in text


def test_an_answer_travels_as_plain_data_and_says_who_gave_it() -> None:
    plain = plain_answer(lambda: Answer((1, 2), 0.5), list)
    assert plain["value"] == [1, 2]
    answer = read_answer(plain, tuple)
    assert answer == Answer((1, 2), 0.5, (os.getpid(), platform.node()))
    assert answer.report([0], 3, 4, 2) == {
        "circuits": [0],
        "first_shot": 3,
        "shots": 4,
        "pid": os.getpid(),
        "host": platform.node(),
        "attempt": 2,
        "seconds": 0.5,
    }


def test_an_error_travels_as_plain_data_too() -> None:
    def fail() -> Answer:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        read_answer(plain_answer(fail, list), tuple)


def test_a_backend_of_another_kind_is_refused() -> None:
    assert backend_with(lambda name: name, "abc", "upper", "a text") == "abc"
    with pytest.raises(ForeignWorkerError, match="backend 'abc' is not a number"):
        backend_with(lambda name: name, "abc", "real", "a number")
