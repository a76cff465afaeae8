"""Where the store is."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from simquay.jobs.store.folder import default_folder, folder_of_job, named_folder


def test_the_variable_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "a" / ".." / "b"))
    assert default_folder() == named_folder() == tmp_path / "b"
    monkeypatch.setenv("SIMQUAY_JOB_STORE", "~/mine")
    assert default_folder() == Path.home() / "mine"


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_system_says(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("SIMQUAY_JOB_STORE", raising=False)
    if value is not None:
        monkeypatch.setenv("SIMQUAY_JOB_STORE", value)
    assert named_folder() is None
    assert default_folder() == Path(platformdirs.user_data_dir("simquay", False)) / "jobs"


def test_a_job_has_a_folder() -> None:
    assert folder_of_job(Path("x"), "0a_B-") == Path("x/jobs/0a_B-")
