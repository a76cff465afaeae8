from __future__ import annotations

import os

import pytest

from simquay.simulators.worker import ForeignWorkerError, check_version
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
