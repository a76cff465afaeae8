"""The bytes of files: regular ones that end, and what the process has open already."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from simquay.circuits.files import load_circuits
from simquay.circuits.readers.content import MAX_BYTES, read_content
from simquay.errors import CircuitFileError

pytestmark = pytest.mark.timeout(20)


def refusal(path: str | Path) -> str:
    with pytest.raises(CircuitFileError) as caught:
        load_circuits(path, "qasm")
    assert caught.value.path == str(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_regular_files_and_links_to_them(tmp_path):
    file = tmp_path / "a.qasm"
    file.write_bytes(b"text")
    (tmp_path / "link.qasm").symlink_to("a.qasm")
    assert read_content(file) == read_content(tmp_path / "link.qasm") == b"text"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/tty", "/dev/null"])
def test_devices(tmp_path, device):
    link = tmp_path / "link.qasm"
    link.symlink_to(device)
    for path in (link, device):
        assert refusal(path) == "is not a regular file"


def test_pipes_and_sockets(tmp_path):
    os.mkfifo(tmp_path / "pipe.qasm")
    assert refusal(tmp_path / "pipe.qasm") == "is not a regular file"
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/a.qasm")
        assert refusal(f"{short}/a.qasm") == "is not a regular file"


@pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/self/stat", "/proc/self/pagemap"])
def test_files_of_the_kernel_that_have_no_size(path):
    assert refusal(path) == "the file is empty"


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "large.qasm"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    assert refusal(path) == "is larger than 512 MiB, the most that is read"
    assert MAX_BYTES == 512 << 20


def test_names_that_no_file_can_have(tmp_path):
    assert refusal("a\0b.qasm").endswith("there is no such file")
    (tmp_path / "loop.qasm").symlink_to("loop.qasm")
    assert refusal(tmp_path / "loop.qasm").startswith("cannot be read (Too many levels")


def test_pipes_that_the_caller_has_opened():
    reading, writing = os.pipe()
    os.write(writing, b"text")
    os.close(writing)
    assert read_content(f"/dev/fd/{reading}") == b"text"
    os.close(reading)


def test_standard_input_that_does_not_end():
    program = (
        "from simquay.circuits.readers import content\n"
        "content.MAX_BYTES = 1 << 20\n"
        "try:\n    content.read_content('-')\n"
        "except Exception as error:\n    print(error)\n"
    )
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [sys.executable, "-c", program], stdin=endless, capture_output=True, text=True
        )
    assert done.stdout == "standard input: is larger than 1 MiB, the most that is read\n"
