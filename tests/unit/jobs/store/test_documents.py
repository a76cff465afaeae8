"""Files: whole, or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.documents import (
    read_document,
    read_sealed,
    sealed,
    write_document,
    write_file,
)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_file(path, b"old")

    def fail(file: object) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_file(path, fail)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_any_cut_of_a_sealed_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert read_sealed(path) is None
    whole = sealed(b"content")
    path.write_bytes(whole)
    assert read_sealed(path) == b"content"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert read_sealed(path) is None
        path.write_bytes(whole[:end] + bytes(len(whole) - end))
        assert read_sealed(path) is None


def test_large_arrays_have_a_file_of_their_own(tmp_path: Path) -> None:
    write_document(tmp_path, "result", {"small": np.arange(3), "large": np.arange(1000.0)})
    with np.load(tmp_path / "result.npz") as arrays:
        assert [one.tolist() for one in arrays.values()] == [np.arange(1000.0).tolist()]
    read = read_document(tmp_path, "result")
    assert read["small"].tolist() == [0, 1, 2]
    assert read["large"].tolist() == np.arange(1000.0).tolist()


def test_any_cut_of_a_document_is_an_error(tmp_path: Path) -> None:
    write_document(tmp_path, "result", {"large": np.arange(1000), "small": 1})
    for name, step in (("result.json", 1), ("result.npz", 97)):
        path = tmp_path / name
        whole = path.read_bytes()
        for end in range(0, len(whole), step):
            for tail in (b"", bytes(len(whole) - end)):
                path.write_bytes(whole[:end] + tail)
                with pytest.raises(JobStoreError, match=r"result\.json is damaged"):
                    read_document(tmp_path, "result")
        path.write_bytes(whole)
    (tmp_path / "result.npz").unlink()
    with pytest.raises(JobStoreError, match="damaged"):
        read_document(tmp_path, "result")


def test_another_format_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"format": 2, "value": 1}')
    with pytest.raises(JobStoreError, match="has format 2, and this Simquay reads 1"):
        read_document(tmp_path, "result")
