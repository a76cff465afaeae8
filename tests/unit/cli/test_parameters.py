"""Options with values, and values of parameters."""

from __future__ import annotations

import math
from typing import Any

import click
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from simquay.cli.errors import CommandError
from simquay.cli.parameters import assignments, bind_option, bound


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
    assert angles("a=3*pi/4", "b=-pi", "c=2", "d=1e-3") == {
        "a": 3 * math.pi / 4,
        "b": -math.pi,
        "c": 2,
        "d": 1e-3,
    }


@pytest.mark.parametrize(
    "text", ["a", "=1", "a=", "a=x", "a=pi**99", "a=__import__('os')", "a=1/0", "a=True and 1"]
)
def test_other_texts_are_no_angles(text: str) -> None:
    with pytest.raises(click.UsageError):
        angles(text)


def test_each_circuit_gets_the_values_of_its_own_parameters() -> None:
    theta, vector = Parameter("theta"), ParameterVector("v", 2)
    one, two = QuantumCircuit(1), QuantumCircuit(1)
    one.rx(theta, 0)
    two.rx(vector[1] + theta, 0)
    first, second = bound([one, two], {"theta": 0.5, "v[1]": 1.0})
    assert first.data[0].operation.params == [0.5]
    assert second.data[0].operation.params == [1.5]


def test_a_name_that_no_circuit_has() -> None:
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta"), 0)
    with pytest.raises(CommandError, match=r"--bind thetta: .*: theta$"):
        bound([circuit], {"thetta": 1.0})
    with pytest.raises(CommandError, match="none"):
        bound([QuantumCircuit(1)], {"a": 1.0})
