from __future__ import annotations

import re

import simquay
from simquay.system.version import simquay_version
from tests.support.paths import ROOT


def test_the_version_is_that_of_the_project_file() -> None:
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    assert project is not None
    assert simquay_version() == simquay.__version__ == project[1]
