"""Names with values on the command line: options of a run, and parameters of circuits."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import CommandError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["assignments", "bind_option", "bound"]


def assignments(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Any]:
    """By name, the values of ``NAME=VALUE``, as Python reads them; else they are text.

    Raises:
        click.BadParameter: a text is of another form.
    """
    values = {}
    for text in texts:
        name, equals, value = map(str.strip, text.partition("="))
        if not (equals and name):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", ctx, param)
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            words = {"true": True, "false": False, "none": None}
            values[name] = words.get(value.lower(), value)
    return values


def _angles(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> dict[str, float]:
    """As :func:`assignments`, where each value is a number or arithmetic with ``pi``."""
    values = assignments(ctx, param, texts)
    try:
        return {
            name: _evaluated(value) if isinstance(value, str) else float(value)
            for name, value in values.items()
        }
    except (ArithmeticError, SyntaxError, TypeError, ValueError) as error:
        raise click.BadParameter(
            f"{', '.join(texts)}: expected numbers, such as 0.5 or 3*pi/2", ctx, param
        ) from error


_ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.UAdd),
)


def _evaluated(text: str) -> float:
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ARITHMETIC) or (isinstance(node, ast.Name) and node.id != "pi"):
            raise ValueError("not arithmetic")
    return float(eval(compile(tree, "<value>", "eval"), {"__builtins__": {}, "pi": math.pi}))


bind_option = click.option(
    "--bind",
    metavar="NAME=VALUE",
    callback=_angles,
    multiple=True,
    help="the value of a parameter of the circuits, such as theta=pi/2; may be repeated",
)


def bound(circuits: list[QuantumCircuit], values: Mapping[str, float]) -> list[QuantumCircuit]:
    """The circuits with the values of their parameters.

    Raises:
        CommandError: no circuit has a parameter of such a name.
    """
    names = [{parameter.name for parameter in circuit.parameters} for circuit in circuits]
    if wrong := values.keys() - set().union(*names):
        known = ", ".join(sorted(set().union(*names))) or "none"
        raise CommandError(f"--bind {sorted(wrong)[0]}: the circuits' parameters are: {known}")
    return (
        [
            circuit.assign_parameters({name: values[name] for name in own & values.keys()})
            for circuit, own in zip(circuits, names, strict=True)
        ]
        if values
        else circuits
    )
