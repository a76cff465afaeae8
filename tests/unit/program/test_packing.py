"""Programs as bytes, for another process."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings

from simquay.circuits.lowering.circuit import lower
from simquay.errors import ProgramError
from simquay.program import (
    Body,
    Channel,
    Diagonal,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Misread,
    Mixture,
    Parametric,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Restart,
    Save,
    Store,
    Switch,
    SwitchCase,
    VariableDeclaration,
    WhileLoop,
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
from simquay.program.observable import Observable
from simquay.program.packing import pack_programs, unpack_programs
from tests.support.random_circuits import dynamic_circuits
from tests.support.random_programs import dynamic_programs

NOT = np.array([1, 0], dtype=np.intp)
U3, BOOL, FLOAT = Type(Kind.UINT, 3), Type(Kind.BOOL), Type(Kind.FLOAT)


DAMPING = Mixture(
    np.array([0.75, 0.25]),
    (np.eye(2, dtype=complex), np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], dtype=complex)),
)


def round_trip(program: Program) -> Program:
    (unpacked,) = unpack_programs(pack_programs([program]))
    assert isinstance(unpacked, Program)
    return unpacked


ZY = Observable(
    3,
    np.array([0.5]),
    np.array([1, 3], np.uint8),
    np.array([0, 2], np.intp),
    np.array([0, 2], np.intp),
)


def everything() -> Program:
    """A program with every operation and every expression."""
    body: Body = (Permutation(NOT, (0,), (1,), 1), Measure(0, 1))
    variable = VariableRef(0, U3)
    return Program(
        3,
        2,
        (
            Matrix(np.array([[0, -1j], [1j, 0]]), (2,), (0, 1), 2),
            Prepare(np.array([0.6, 0.8j]), (1,)),
            Relabel((0, 1), (1, 0)),
            Reset(2),
            Channel(DAMPING, (1,)),
            Misread((1,), np.array([[0.9, 0.1], [0.2, 0.8]])),
            Restart(),
            Save("the state"),
            Save("a", "amplitudes", "list", True, (0, 2), np.array([3, 1], np.uint64), (ZY,)),
            Store(variable, Binary("+", variable, Constant(3, U3), U3)),
            Store(Index(variable, Constant(0, U3)), Unary("!", BitRef(0), BOOL)),
            IfElse(Binary("<", Cast(variable, FLOAT), Constant(math.inf, FLOAT), BOOL), body, body),
            Switch(RegisterRef((1, 0)), (SwitchCase((0, 3), body), SwitchCase(None, ()))),
            ForLoop((body,) * 50, 0, tuple(range(50))),
            WhileLoop(BitRef(1), ()),
            Parametric("cu", (0, 3, 1, 1), (2,), (0,), 1, adjoint=True),
        ),
        (VariableDeclaration("v", U3),),
        "ünï",
        4,
    )


def test_a_program_of_every_operation_loses_nothing() -> None:
    assert round_trip(everything()) == everything()


@given(dynamic_circuits())
@settings(max_examples=60, deadline=None)
def test_lowered_circuits_lose_nothing(circuit):
    program = lower(circuit)
    assert round_trip(program) == program


@given(dynamic_programs())
@settings(max_examples=60, deadline=None)
def test_random_programs_lose_nothing(program):
    assert round_trip(program) == program


def test_arrays_keep_format_shape_and_every_bit():
    numbers = np.array([0.1, -0.0, np.nextafter(1.0, 2.0), 5e-324]) + 1j
    program = Program(
        2,
        0,
        (
            Prepare(numbers, (0, 1)),
            Diagonal(np.array([1j]), ()),
            Matrix(np.asfortranarray(np.arange(4.0).reshape(2, 2).astype(complex)), (1,)),
        ),
    )
    for before, after in zip(program.operations, round_trip(program).operations, strict=True):
        name = {Prepare: "amplitudes", Diagonal: "diagonal", Matrix: "matrix"}[type(before)]
        left, right = getattr(before, name), getattr(after, name)
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert left.tobytes() == right.tobytes()
        assert right.flags.c_contiguous
        assert right.flags.aligned
        assert not right.flags.writeable


def test_a_mixture_that_many_channels_share_is_one_object_again():
    channels = [Channel(DAMPING, (place % 3,)) for place in range(1000)]
    packed = pack_programs([Program(3, 0, (*channels, *channels))])
    (found,) = unpack_programs(packed)
    assert isinstance(found, Program)
    assert found.operations[:1000] == found.operations[1000:]  # they compare by identity
    assert len({one.mixture for one in found.operations if isinstance(one, Channel)}) == 1
    assert len(packed) < 200_000


def test_what_was_shared_is_shared_again_and_written_once():
    matrix = np.eye(2, dtype=complex)
    body = (Matrix(matrix, (0,)), Matrix(matrix, (1,)), Measure(0, 0))
    program = Program(2, 1, (ForLoop((body,) * 1000), IfElse(BitRef(0), body)))
    packed = pack_programs([program, program, program])
    assert len(packed) < 40_000
    first, _, third = unpack_programs(packed)
    assert first == third == program
    assert isinstance(first, Program)
    loop, branch = first.operations
    assert isinstance(loop, ForLoop)
    assert isinstance(branch, IfElse)
    assert all(block is branch.then for block in loop.bodies)
    one, other, _ = branch.then
    assert isinstance(one, Matrix)
    assert isinstance(other, Matrix)
    assert one.matrix is other.matrix


def packed(head: object) -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a program"),
        (b"12345678", "not a program"),
        (pack_programs([Program(1, 0, (Prepare(np.array([1, 0j]), (0,)),))])[:-8], "not a program"),
        (packed([]), "not a program"),
        (packed({"arrays": []}), "not a program"),
        (packed({"arrays": [], "tree": {"format": 99}}), "format 99, expected 4"),
        (packed({"arrays": [], "tree": {"format": 4, "programs": 3}}), "something else"),
        (
            packed({"arrays": [], "tree": {"format": 4, "program": {"class": "E", "fields": {}}}}),
            "not a program",
        ),
        (packed({"arrays": [["|O", [1]]], "tree": {"format": 4}}), "array of object"),
    ],
)
def test_what_is_no_program_is_refused(data, message):
    with pytest.raises(ProgramError, match=message):
        unpack_programs(data)
