"""Options with values, and values of parameters."""

from __future__ import annotations

import math
from typing import Any

import click
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from simquay.cli.errors import CommandError
from simquay.cli.parameters import arithmetic, assignments, bind_option, bound, points_of


@click.command()
@click.option("--option", multiple=True, callback=assignments)
def assigning(option: Any) -> Any:
    return option


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("max_memory_mb=1.5", 1.5),
        ("memory=True", True),
        ("memory=false", False),
        ("executor=none", None),
        ("method=statevector", "statevector"),
        ("a = b=c", "b=c"),
        ("fusion=[1, 2]", [1, 2]),
    ],
)
def test_a_value_is_what_python_reads_or_else_text(text: str, value: object) -> None:
    with assigning.make_context("assigning", ["--option", text]) as context:
        ((name, read),) = assigning.invoke(context).items()
    assert (name, read) == (text.partition("=")[0].strip(), value)
    assert type(read) is type(value)


@click.command()
@bind_option
def binding(bind: Any) -> Any:
    return bind


def angles(*words: str) -> Any:
    options = [word for text in words for word in ("--bind", text)]
    with binding.make_context("binding", options) as context:
        return binding.invoke(context)


def test_angles_may_have_pi() -> None:
    assert angles("a=3*pi/4", "b=-pi", "c=2", "d=1e-3", "v[1]=(1+pi)/2") == {
        "a": [3 * math.pi / 4],
        "b": [-math.pi],
        "c": [2],
        "d": [1e-3],
        "v[1]": [(1 + math.pi) / 2],
    }


def test_several_values_are_a_list_or_a_range() -> None:
    assert angles("a=0, pi/2,-1", "b=0:pi:3", "c=5,0:-1:5", "d=2:3:1") == {
        "a": [0, math.pi / 2, -1],
        "b": [0, math.pi / 2, math.pi],
        "c": [5, 0, -0.25, -0.5, -0.75, -1],
        "d": [2],
    }


@pytest.mark.parametrize(
    "text",
    [
        *("a", "=1", "a=", "a=x", "a=pi**99", "a=__import__('os')", "a=1/0", "a=True and 1"),
        *("a=1e999", "a=1j", "a='1'", "a='1'*9999999999", "a=1,", "a=0:1", "a=0:1:2:3"),
        *("a=0:1:0", "a=0:1:1.5", "a=0:1:9999999999", "a=0:1e999:3"),
    ],
)
def test_other_texts_are_no_angles(text: str) -> None:
    with pytest.raises(click.UsageError):
        angles(text)


def test_a_name_that_is_given_twice() -> None:
    with pytest.raises(click.UsageError, match="a is given twice"):
        angles("a=1", "a=2")


def test_arithmetic_may_be_complex() -> None:
    assert arithmetic(" 2*(1+3j)/4 ") == 0.5 + 1.5j


def turned(*angles: Any) -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    for angle in angles:
        circuit.rx(angle, 0)
    return circuit


def test_each_circuit_gets_the_values_of_its_own_parameters() -> None:
    theta, vector = Parameter("theta"), ParameterVector("v", 2)
    circuits = [turned(theta), turned(vector[1] + theta), turned(0.25)]
    given = bound(circuits, {"theta": [0.5], "v[1]": [1.0]})
    assert [one.circuit.data[0].operation.params for one in given] == [[0.5], [1.5], [0.25]]
    assert [one.point for one in given] == [{"theta": 0.5}, {"theta": 0.5, "v[1]": 1.0}, {}]


def test_values_are_broadcast_within_a_circuit() -> None:
    a, b = Parameter("a"), Parameter("b")
    values = {"a": [1.0, 2.0, 3.0], "b": [7.0]}
    assert points_of([turned(b, a), turned(b), turned()], values) == [
        [{"a": 1, "b": 7}, {"a": 2, "b": 7}, {"a": 3, "b": 7}],
        [{"b": 7}],
        [{}],
    ]
    with pytest.raises(CommandError, match="b has 2 values and a has 3; expected one"):
        points_of([turned(b, a)], {**values, "b": [7.0, 8.0]})


def test_points_of_one_circuit_share_no_gates() -> None:
    theta = Parameter("theta")
    inner = QuantumCircuit(1, name="inner")
    inner.rx(theta, 0)
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(1)):
        circuit.append(inner.to_instruction(), [0])
    first, second = bound([circuit], {"theta": [1.0, 2.0]})
    for one, expected in ((first, 1.0), (second, 2.0)):
        (gate,) = one.circuit.data[0].operation.blocks[0].data
        assert gate.operation.params == [expected]


def test_a_loop_has_values_for_its_own_parameter() -> None:
    circuit, step = QuantumCircuit(1), Parameter("step")
    with circuit.for_loop(range(2), step):
        circuit.rx(step, 0)
    assert points_of([circuit], {}) == [[{}]]


def test_a_name_that_no_circuit_has() -> None:
    with pytest.raises(CommandError, match=r"--bind thetta: .*: theta; did you mean 'theta'\?$"):
        bound([turned(Parameter("theta"))], {"thetta": [1.0]})
    with pytest.raises(CommandError, match=r"none$"):
        bound([turned(0.5)], {"a": [1.0]})


def test_a_parameter_without_a_value() -> None:
    with pytest.raises(CommandError, match="without a value: a, b; give --bind NAME=VALUE"):
        bound([turned(*map(Parameter, "bca"))], {"c": [1.0]})
