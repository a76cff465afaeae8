"""Programs as files."""

from __future__ import annotations

import io
import json
import math
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings

from simquay.circuits.lowering.circuit import lower
from simquay.errors import ProgramError
from simquay.program import (
    Block,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Save,
    Store,
    Switch,
    SwitchCase,
    VariableDeclaration,
    WhileLoop,
    load_program,
    save_program,
)
from simquay.program.expressions import (
    Binary,
    BitRef,
    Cast,
    Constant,
    Index,
    Kind,
    RegisterRef,
    Type,
    Unary,
    VariableRef,
)
from simquay.program.program import walk
from tests.support.random_circuits import dynamic_circuits
from tests.support.random_programs import dynamic_programs

NOT = np.array([1, 0], dtype=np.intp)
U3, BOOL, FLOAT = Type(Kind.UINT, 3), Type(Kind.BOOL), Type(Kind.FLOAT)


def round_trip(program: Program) -> Program:
    file = io.BytesIO()
    save_program(program, file)
    file.seek(0)
    return load_program(file)


def everything() -> Program:
    """A program with every operation and every expression."""
    body: Block = (Permutation(NOT, (0,), (1,), 1), Measure(0, 1))
    variable = VariableRef(0, U3)
    return Program(
        3,
        2,
        (
            Matrix(np.array([[0, -1j], [1j, 0]]), (2,), (0, 1), 2),
            Prepare(np.array([0.6, 0.8j]), (1,)),
            Relabel((0, 1), (1, 0)),
            Reset(2),
            Save("the state"),
            Store(variable, Binary("+", variable, Constant(3, U3), U3)),
            Store(Index(variable, Constant(0, U3)), Unary("!", BitRef(0), BOOL)),
            IfElse(Binary("<", Cast(variable, FLOAT), Constant(math.inf, FLOAT), BOOL), body, body),
            Switch(RegisterRef((1, 0)), (SwitchCase((0, 3), body), SwitchCase(None, ()))),
            ForLoop((body,) * 50, 0, tuple(range(50))),
            WhileLoop(BitRef(1), ()),
        ),
        (VariableDeclaration("v", U3),),
        "ünï",
    )


def test_round_trip_of_everything():
    assert round_trip(everything()) == everything()


@given(dynamic_circuits())
@settings(max_examples=40)
def test_round_trip_of_lowered_circuits(circuit):
    program = lower(circuit)
    assert round_trip(program) == program


@given(dynamic_programs())
@settings(max_examples=40)
def test_round_trip_of_random_programs(program):
    assert round_trip(program) == program


def test_what_was_shared_is_shared_again():
    matrix = np.eye(2, dtype=complex)
    body = (Matrix(matrix, (0,)), Matrix(matrix, (1,)))
    loaded = round_trip(Program(2, 1, (ForLoop((body,) * 10), IfElse(BitRef(0), body))))
    loop, branch = loaded.operations
    assert all(block is branch.then for block in loop.bodies)
    assert branch.then[0].matrix is branch.then[1].matrix


def test_a_long_loop_makes_a_small_file():
    file = io.BytesIO()
    save_program(Program(1, 1, (ForLoop(((Measure(0, 0),),) * 10_000),)), file)
    assert len(file.getvalue()) < 2_000_000


def test_loaded_arrays_are_read_only():
    for operation in walk(round_trip(everything()).operations):
        if isinstance(operation, Matrix):
            assert not operation.matrix.flags.writeable


@pytest.mark.parametrize("name", ["program.npz", "program", "program.simquay"])
def test_the_file_has_the_name_that_was_given(tmp_path, name):
    save_program(everything(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert load_program(str(tmp_path / name)) == everything()


def test_nothing_is_pickled(tmp_path):
    save_program(everything(), tmp_path / "p")
    with np.load(tmp_path / "p", allow_pickle=False) as data:
        assert all(data[key].dtype != object for key in data.files)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_program(tmp_path / "none")


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def tree(value):
    return npz(tree=np.array(json.dumps(value)))


def truncated():
    file = io.BytesIO()
    save_program(everything(), file)
    return file.getvalue()[:-100]


def single_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def other_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a program"),
        (b"no zip at all", "not a program"),
        (truncated(), "not a program"),
        (single_array(), "not a program"),
        (other_zip(), "not a program"),
        (npz(a=np.zeros(2)), "not a program"),
        (npz(tree=np.array("{")), "not a program"),
        (tree({"format": 99, "program": None}), "format 99, expected 1"),
        (tree({"format": 1, "program": 3}), "holds a int"),
        (tree({"format": 1, "program": {"class": "Evil", "fields": {}}}), "not a program"),
        (tree({"format": 1, "program": {"class": "Measure", "fields": {"qubit": 1}}}), "not a"),
        (
            tree(
                {"format": 1, "program": {"class": "Measure", "fields": {"qubit": 1, "clbit": 2}}}
            ),
            "a Measure",
        ),
        (tree({"format": 1, "program": {"array": 0}}), "not a program"),
        (tree([]), "not a program"),
    ],
)
def test_what_is_no_program_is_refused(tmp_path, content, message):
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(ProgramError, match=message):
        load_program(tmp_path / "p")
