"""The guard: what it survives and what it lets through."""

from __future__ import annotations

import pytest

from simquay.registry.guard import Failure, guarded


def raising(error: BaseException) -> object:
    def call() -> None:
        raise error

    return guarded(call)


def test_a_result_passes() -> None:
    assert guarded(lambda: 3) == 3
    assert guarded(lambda: None) is None


@pytest.mark.parametrize(
    "error", [ValueError("no"), MemoryError(), SystemExit(1), GeneratorExit(), BaseException("b")]
)
def test_what_it_survives(error: BaseException) -> None:
    failure = raising(error)
    assert isinstance(failure, Failure)
    assert failure.error is error
    assert failure.details.startswith("Traceback")


def test_ctrl_c_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b"), "ValueError: a b"),
        (ValueError(), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (SystemExit(), "it called sys.exit(None)"),
        (SystemExit("bye"), "it called sys.exit('bye')"),
        (SystemExit("x" * 1000), "it called sys.exit('" + "x" * 379 + "…"),
    ],
)
def test_one_line(error: BaseException, line: str) -> None:
    assert Failure(error).text == line
    assert len(line) <= 400
