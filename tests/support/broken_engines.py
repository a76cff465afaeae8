"""Engines that are wrong in one respect each, for the tests of the kit for engines."""

from __future__ import annotations

from typing import Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.planning import Profile
from simquay.testing.engines import ENGINE_CHECKS, run_engine_checks

__all__ = ["MUTANTS", "failed_checks"]


class Mutant(ReferenceEngine):
    """The engine that the broken ones derive from: their methods need no types."""


def broken(method: str, change: Any, base: type[Engine] = Mutant) -> type[Engine]:
    """A class whose ``method`` is ``change(right method, self, *arguments)``."""
    right = getattr(base, method)

    def wrong(self: Any, *arguments: Any, **options: Any) -> Any:
        return change(right, self, *arguments, **options)

    return type("Broken", (base,), {method: wrong})


def _adds_to_qubit_0(right, self, state, plan, control):
    right(self, state, plan, control)
    if state.order and len(plan.passes) > 1:
        state.vectors[:, -1] *= 1.01


def _keeps_layout(right, self, state, plan, control):
    copy = self.copy(state)
    right(self, copy, plan, control)
    state.vectors, state.order = copy.vectors, copy.order[::-1]


def _ignores_control(right, self, state, plan, control):
    right(self, state, plan, Control())


def _takes_any_plan(right, self, state, plan, control):
    if plan.profile.strategy == "gates":
        right(self, state, plan, control)


def _halves(right, self, *arguments, **options):
    return right(self, *arguments, **options) / 2


def _same_state(right, self, state):
    return state


def _reads_backwards(right, self, state, qubits, given):
    return right(self, state, list(qubits)[::-1], given)


def _first_of_the_block(right, self, state, qubits, fixed, values):
    return np.tile(right(self, state, qubits, fixed, values[:1]), (len(values), 1))


def _no_scale(right, self, state, outcome, probability):
    right(self, state, outcome, 1.0)


def _other_outcomes(right, self, state, qubits, outcomes, probabilities, resets=()):
    right(self, state, qubits, outcomes[::-1], probabilities[::-1], resets)


def _first_rows(right, self, state, start, stop):
    return right(self, state, 0, stop - start)


def _forgets_resets(right, self, state, qubits):
    if len(qubits) > 1:
        right(self, state, qubits)


def _from_the_left(right, self, state, paulis):
    return right(self, state, [label[::-1] for label in paulis])


def _no_projectors(right, self, state, strings, control):
    return right(self, state, strings._replace(fixed=0 * strings.x, values=0 * strings.x), control)


def _first_numbers(right, self, state, plan, control):
    right(self, state, plan, control)
    state.buffer[1:] = state.buffer[:1]


def _single(right, self, num_qubits, precision, **options):
    state = right(self, num_qubits, precision, **options)
    state.vectors = state.vectors.astype(np.complex64)
    return state


def _little(right, self, num_qubits, precision, batch=1):
    return batch * precision.amplitude_bytes << num_qubits


def _other_profile(right, self, precision, num_qubits):
    return Profile("nothing")


MUTANTS: dict[str, tuple[str, type[Engine]]] = {
    "a profile that planning does not know": ("E01", broken("profile", _other_profile)),
    "half of the amplitudes": ("E02", broken("amplitudes", _halves)),
    "the last amplitude grows": ("E03", broken("apply", _adds_to_qubit_0)),
    "states in single precision": ("E04", broken("allocate", _single)),
    "the layout is turned round": ("E05", broken("apply", _keeps_layout)),
    "a copy is the state itself": ("E06", broken("copy", _same_state)),
    "probabilities of qubits backwards": ("E07", broken("probabilities", _reads_backwards)),
    "gather halves": ("E07", broken("gather", _halves)),
    "one block for all": ("E08", broken("block_probabilities", _first_of_the_block)),
    "collapse does not normalise": ("E09", broken("collapse", _no_scale)),
    "outcomes of other vectors": ("E10", broken("project", _other_outcomes)),
    "a reset of one qubit does nothing": ("E10", broken("flip", _forgets_resets)),
    "rows from the first": ("E11", broken("rows", _first_rows)),
    "strings read from the left": ("E12", broken("expectation", _from_the_left)),
    "strings without projectors": ("E12", broken("means", _no_projectors)),
    "a sweep of equal numbers": ("E13", broken("apply_sweep", _first_numbers, DenseEngine)),
    "blocks of other outcomes": ("E14", broken("block_probabilities", _first_of_the_block)),
    "dynamic circuits without resets": ("E15", broken("flip", _forgets_resets)),
    "wide states read backwards": ("E16", broken("probabilities", _reads_backwards)),
    "any plan is taken": ("E17", broken("apply", _takes_any_plan)),
    "the control is not looked at": ("E18", broken("apply", _ignores_control)),
    "less memory than it takes": ("E19", broken("required_bytes", _little)),
}
"""By what is wrong: the check that has to fail, and the engine's class."""


def failed_checks(engine: Engine, *only: str) -> dict[str, str]:
    """The problem of each check (of ``only``) that the engine fails."""
    checks = [check for check in ENGINE_CHECKS if not only or check.id in only]
    return {one.check.id: one.problem for one in run_engine_checks(engine, checks) if not one.kept}
