"""The classes of errors: what users may catch, and what the errors carry."""

from __future__ import annotations

import builtins
import pickle
import re

import pytest
from qiskit.exceptions import QiskitError
from tblib.pickling_support import pickle_exception

from simquay import errors
from simquay.errors import CircuitFileError, OutOfMemoryError, PlainMessage, RegistryError

ROW = re.compile(r" {4}([│├└─ ]*)(\w*(?:Exception|Error|Warning|Cancelled))(?: \(also (\w+)\))?")


def drawn_bases() -> dict[str, list[str]]:
    """The bases of each class, as the tree in the module's docstring shows them."""
    bases: dict[str, list[str]] = {}
    path: list[str] = []
    for row in filter(None, map(ROW.match, (errors.__doc__ or "").splitlines())):
        lines, name, also = row.groups()
        depth = len(lines) // 4
        path[depth:] = [name]
        if depth:
            bases[name] = [path[depth - 1], *([also] if also else [])]
    return bases


def test_the_classes_are_those_of_the_tree_in_the_docstring() -> None:
    drawn = drawn_bases()
    assert {*drawn, "PlainMessage", "one_line"} == {*errors.__all__, "UserWarning"}
    for name, bases in drawn.items():
        found = getattr(errors, name, None) or getattr(builtins, name)
        assert [base.__name__ for base in found.__bases__] == bases, name


def test_the_summary_of_a_registry_error_is_its_message_where_there_is_no_advice() -> None:
    assert RegistryError("no backend").summary == "no backend"
    error = RegistryError("no backend. Try: pip install it", summary="no backend")
    assert (str(error), error.summary) == ("no backend. Try: pip install it", "no backend")


CARRIERS = [
    RegistryError("long text", summary="text"),
    CircuitFileError("no such gate", path="bell.qasm", line=3, column=7),
    OutOfMemoryError("too large", needed=1 << 40, available=1 << 30),
]


@pytest.mark.parametrize("error", CARRIERS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_what_it_carries_on_its_way_from_another_process(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("error", CARRIERS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_what_it_carries_where_dask_has_changed_how_errors_pickle(
    error: Exception,
) -> None:
    make, arguments, *state = pickle_exception(error)
    copy = make(*arguments)
    for attributes in state:
        vars(copy).update(attributes)
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_a_plain_message_has_no_quotation_marks_unlike_qiskits_own() -> None:
    class PlainError(PlainMessage, QiskitError):
        pass

    assert str(QiskitError("it's wrong")) == '"it\'s wrong"'
    assert str(PlainError("it's wrong")) == "it's wrong"
