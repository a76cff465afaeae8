"""Names with values on the command line: options of a run, and parameters of circuits."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from simquay.cli.errors import CommandError
from simquay.cli.messages import did_you_mean

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "BoundCircuit",
    "Point",
    "arithmetic",
    "assignments",
    "bind_option",
    "bound",
    "points_of",
]

Point = Mapping[str, float]
"""Values of the parameters of a circuit, by name."""

_MOST_VALUES = 1_000_000  # of one parameter


def _named(text: str, ctx: click.Context, param: click.Parameter) -> tuple[str, str]:
    name, equals, value = map(str.strip, text.partition("="))
    if not (equals and name):
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", ctx, param)
    return name, value


def assignments(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Any]:
    """By name, the values of ``NAME=VALUE``, as Python reads them; else they are text.

    Raises:
        click.BadParameter: a text is of another form.
    """
    values = {}
    for text in texts:
        name, value = _named(text, ctx, param)
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            words = {"true": True, "false": False, "none": None}
            values[name] = words.get(value.lower(), value)
    return values


def _angles(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, list[float]]:
    """By name, the numbers of ``NAME=VALUES``: numbers and ranges, separated by commas."""
    values: dict[str, list[float]] = {}
    for text in texts:
        name, value = _named(text, ctx, param)
        if name in values:
            raise click.BadParameter(
                f"{name} is given twice; several values are separated by commas", ctx, param
            )
        try:
            values[name] = [number for item in value.split(",") for number in _numbers(item)]
        except (ArithmeticError, SyntaxError, TypeError, ValueError) as error:
            raise click.BadParameter(
                f"{text}: expected finite numbers, such as 0.5 or 3*pi/2, or several of them, "
                "such as 0,pi/2,pi or 0:pi:5, which is 5 from 0 to pi",
                ctx,
                param,
            ) from error
    return values


def _numbers(text: str) -> list[float]:
    """The numbers of ``NUMBER`` or ``FIRST:LAST:COUNT``.

    Raises:
        ArithmeticError, SyntaxError, TypeError, ValueError: for any other text.
    """
    first, *others = (float(arithmetic(part)) for part in text.split(":"))  # not of a complex one
    if not math.isfinite(sum([first, *others])):
        raise ValueError("not finite")
    if not others:
        return [first]
    last, count = others
    if not (count.is_integer() and 1 <= count <= _MOST_VALUES):
        raise ValueError("not a number of values")
    import numpy as np

    numbers: list[float] = np.linspace(first, last, int(count)).tolist()
    return numbers


_ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.UAdd),
)


def arithmetic(text: str) -> Any:
    """The number, which may be complex, that numbers, ``pi``, ``+ - * /`` and brackets make.

    Raises:
        ArithmeticError, SyntaxError, ValueError: for any other text.
    """
    tree = ast.parse(text.strip(), mode="eval")
    for node in ast.walk(tree):
        if (
            not isinstance(node, _ARITHMETIC)
            or (isinstance(node, ast.Name) and node.id != "pi")
            or (
                isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, complex))
            )
        ):
            raise ValueError("not arithmetic")
    return eval(compile(tree, "<value>", "eval"), {"__builtins__": {}, "pi": math.pi})


bind_option = click.option(
    "--bind",
    metavar="NAME=VALUE",
    callback=_angles,
    multiple=True,
    help="the value of a parameter of the circuits, such as theta=pi/2, or several, such as "
    "theta=0,pi/2,pi or theta=0:pi:5; may be repeated",
)


def points_of(
    circuits: Sequence[QuantumCircuit], values: Mapping[str, Sequence[float]]
) -> list[list[Point]]:
    """The points that each circuit runs at: one, or as many as its parameters have values.

    Parameters with one value have it at all points. A circuit without parameters has one point.

    Raises:
        CommandError: no circuit has a parameter of such a name; a parameter has no value; or the
            parameters of a circuit have different numbers of values.
    """
    from simquay.circuits.parameters import unbound_parameters

    names = [
        [parameter.name for parameter in unbound_parameters(circuit)] if circuit.parameters else []
        for circuit in circuits
    ]
    known = set().union(*names)
    if wrong := values.keys() - known:
        name = min(wrong)
        near = did_you_mean(name, known)
        told = f"the circuits' parameters are: {', '.join(sorted(known)) or 'none'}"
        raise CommandError(f"--bind {name}: {told}{near}")
    return [
        [*_points(circuit.name, {name: values.get(name, ()) for name in own})]
        for circuit, own in zip(circuits, names, strict=True)
    ]


def _points(circuit: str, values: Mapping[str, Sequence[float]]) -> Iterator[Point]:
    if missing := [name for name, some in values.items() if not some]:
        raise CommandError(
            f"circuit {circuit!r} has parameters without a value: {', '.join(missing)}; "
            "give --bind NAME=VALUE"
        )
    longest = max(values, key=lambda name: len(values[name]), default="")
    count = len(values[longest]) if values else 1
    for name, some in values.items():
        if len(some) not in (1, count):
            raise CommandError(
                f"--bind: {name} has {len(some)} values and {longest} has {count}; expected one "
                "value, or as many for each parameter"
            )
    for number in range(count):
        yield {name: some[number if len(some) > 1 else 0] for name, some in values.items()}


class BoundCircuit(NamedTuple):
    """A circuit without parameters, and the values that it has been given."""

    circuit: QuantumCircuit
    point: Point


def bound(
    circuits: Sequence[QuantumCircuit], values: Mapping[str, Sequence[float]]
) -> list[BoundCircuit]:
    """The circuits at each of their points, in this order.

    Raises:
        CommandError: see :func:`points_of`.
    """
    from simquay.circuits.parameters import assigned

    return [
        BoundCircuit(made, point)
        for circuit, points in zip(circuits, points_of(circuits, values), strict=True)
        for made, point in zip(
            assigned(circuit, points) if points[0] else [circuit], points, strict=True
        )
    ]
