"""Checks of the backend: what it is, its target, its options, and what `run` refuses."""

from __future__ import annotations

import contextlib
from typing import Any

from qiskit import transpile
from qiskit.circuit import Parameter
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target, TranspilerError

from simquay.testing.harness.assertions import (
    CheckFailed,
    exception_of,
    raises,
    require,
    require_equal,
)
from simquay.testing.harness.calibration import fit_to_target
from simquay.testing.harness.circuits import bell, circuit_of, flips
from simquay.testing.harness.context import CheckContext


def b01_is_a_qiskit_backend(context: CheckContext) -> None:
    """It is a `BackendV2` with a name, a description and a version."""
    backend = context.backend
    require(isinstance(backend, BackendV2), f"{backend!r} is no qiskit.providers.BackendV2")
    for name in ("name", "description", "backend_version"):
        value = getattr(backend, name)
        is_text = isinstance(value, str) and value
        require(is_text, f"{name} is {value!r}; expected a text that says it")


def b02_target(context: CheckContext) -> None:
    """Its `Target` says what runs: `measure` is there, and every name has an operation."""
    backend = context.backend
    require(isinstance(backend.target, Target), f"target is {backend.target!r}; expected a Target")
    names = set(backend.operation_names)
    require("measure" in names, "the target does not have measure")
    require(len(names) > 1, "the target has no gate")
    require(len(backend.operations) == len(names), "operations and operation_names do not agree")
    limit = backend.num_qubits
    is_limit = limit is None or (isinstance(limit, int) and limit > 0)
    require(is_limit, f"num_qubits is {limit!r}; expected a number above 0, or None for no limit")


def b03_transpile(context: CheckContext) -> None:
    """`transpile(circuit, backend)` gives circuits that run, with the right counts."""
    gates = (("x", 0), ("cx", 0, 1), ("swap", 1, 2))
    last = ("ccx", 0, 2, 1) if _expresses(context.backend, "ccx", 3) else ("cx", 2, 1)
    circuit = circuit_of("logic", (3, 3), *gates, last, ("measure", range(3), range(3)))
    for level in (0, 1, 2):
        ready = transpile(circuit, context.backend, optimization_level=level)
        what = f"get_counts() of a circuit of one outcome, transpiled at level {level},"
        require_equal(context.counts(ready, shots=20), {"111": 20}, what)


def _expresses(backend: Any, gate: str, count: int) -> bool:
    """Whether the target's gates can make a gate of ``count`` qubits: Clifford gates not all."""
    try:
        fit_to_target(circuit_of(gate, (count,), (gate, *range(count))), backend)
    except TranspilerError:
        return False
    return True


def b04_default_shots(context: CheckContext) -> None:
    """Its `options` are Qiskit's, and `shots` in them is what `run` takes by default."""
    options = context.backend.options
    require(isinstance(options, Options), f"options is a {type(options).__qualname__}, no Options")
    shots = options.get("shots")
    require(isinstance(shots, int) and shots > 0, f"options.shots is {shots!r}; expected a number")
    total = sum(context.counts(bell()).values())
    require_equal(total, shots, "the number of shots of run() without shots, by options.shots,")


def b05_set_options(context: CheckContext) -> None:
    """`set_options` holds for later runs, and `run`'s own options for that run alone."""
    backend = context.backend
    before = backend.options.shots

    def shots(**options: Any) -> int:
        return sum(context.counts(bell(), **options).values())

    try:
        backend.set_options(shots=7)
        given = shots(), shots(shots=11), shots()
        what = "the shots of run(), run(shots=11) and run() after set_options(shots=7)"
        require_equal(given, (7, 11, 7), what)
        what = "set_options(no_such_option=1)"
        raises(lambda: backend.set_options(no_such_option=1), AttributeError, what=what)
    finally:
        backend.set_options(shots=before)


def _refused(context: CheckContext, what: str, circuits: Any, **options: Any) -> None:
    """Require that ``run`` itself raises, where the user made the mistake."""
    error = exception_of(lambda: context.run(circuits, **options))
    text = "expected an error from run() itself, since the arguments alone show the mistake"
    require(error is not None, f"run() took {what}; {text}")


def b06_wrong_options(context: CheckContext) -> None:
    """`run` refuses an unknown option and shots that are no number above 0."""
    for shots in (0, -1, 1.5, "ten", True):
        _refused(context, f"shots={shots!r}", flips(), shots=shots)
    _refused(context, "an option that does not exist", flips(), no_such_option=1)


def b07_wrong_circuits(context: CheckContext) -> None:
    """`run` refuses what is no circuit, no circuits at all, and an unbound parameter."""
    _refused(context, "a string as a circuit", "bell")
    _refused(context, "a number as a circuit", 7)
    _refused(context, "a list with None in it", [flips(), None])
    _refused(context, "an empty list", [])
    circuit = circuit_of("unbound", (1, 1), ("rx", Parameter("theta"), 0), ("measure", 0, 0))
    with contextlib.suppress(CheckFailed):  # Clifford gates have no parameter: as it is
        circuit = context.fit_to_target(circuit)
    _refused(context, "a circuit with an unbound parameter", circuit)


def b08_several_circuits(context: CheckContext) -> None:
    """`run` takes a circuit or a list, and one job runs them all, in order."""
    counts = context.counts([flips(1), flips(2), flips(3)], shots=9)
    require_equal(counts, [{"1": 9}, {"11": 9}, {"111": 9}], "get_counts() of three circuits")
    counts = context.counts([flips(2)], shots=9)
    require_equal(counts, {"11": 9}, "get_counts() of one circuit in a list")
