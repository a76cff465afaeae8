"""What a kind of result is, and the kinds that are means over branches: all are in
:data:`~simquay.execution.kinds.KINDS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine, State
from simquay.execution.branching.steps import Event
from simquay.execution.observables.values import Estimates, chosen_values
from simquay.execution.readout import write_outcomes, write_words
from simquay.execution.settings import RunContext
from simquay.execution.trajectories.misreading import misread_distribution
from simquay.program import Precision, Program
from simquay.program.program import most_stored_qubits

__all__ = ["End", "Expectation", "Probabilities", "ResultKind", "samples_bytes"]

_WEIGHTS_AT_ONCE = 1 << 20
"""The most probabilities that are read at once, of all vectors together: 8 MiB, or those of one."""

_IMPOSSIBLE = {Precision.SINGLE: 1e-12, Precision.DOUBLE: 1e-26}
"""An outcome that is less likely is rounding's: of about a hundred roundings of an amplitude."""


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """The end of vectors whose results are read.

    Attributes:
        circuits: the number in its job of each vector's circuit.
        event: the measurements that follow, if any.
        resets: qubits that are reset then, and not used again.
        clbits: how many classical bits there are.
        bits: those of each vector as an integer; bits that the event writes are 0.
        control: checked meanwhile.
    """

    circuits: Sequence[int]
    event: Event | None
    resets: Sequence[int]
    clbits: int
    bits: Sequence[int]
    control: Control


class ResultKind:
    """A kind of result.

    The defaults are those of a small value that is read from the final state.

    Attributes:
        joins: whether the results of some shots and of others give that of all; if not, a
            circuit's shots are not split.
        averages: whether the results of branches that end in different states give that of all;
            if not, a program has to have one final state.
    """

    joins = False
    averages = False

    def given_by(self, program: Program) -> bool:
        """Whether ``program`` has such a result."""
        return True

    def divisible(self, program: Program) -> bool:
        """Whether the shots of ``program`` may be run apart."""
        return self.joins or not self.given_by(program)

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        """Bytes of host memory that the result takes, as it is shown to the user as well."""
        return 0

    def reading_bytes(self, program: Program, context: RunContext) -> int:
        """Bytes of host memory that reading it takes beside that, of few vectors at a time."""
        return 0

    def check(self, program: Program, context: RunContext) -> None:
        """Raise an error before the run if ``program`` cannot give the result."""

    def read(self, engine: Engine, state: State, context: RunContext, end: End) -> Sequence[Any]:
        """The result of each vector of the final ``state``; of a kind that does not average, the
        final resets have been made."""
        raise NotImplementedError  # the run itself makes samples and saved states: nobody asks

    def add(self, total: Any, values: Sequence[Any], weights: Sequence[float]) -> Any:
        """``total``, which is None at first, with the results ``values`` of branches of some
        probabilities or, of trajectories, shares."""
        raise NotImplementedError  # asked for only where ``averages`` is true

    def mean(self, total: Any, trajectories: int) -> Any:
        """The result of a program, from the total over all its branches; ``trajectories`` is 0 if
        their weights are exact."""
        raise NotImplementedError  # asked for only where ``averages`` is true

    def blend(self, first: Any, second: Any, share: float) -> Any:
        """The mean of two means, of which ``first`` has the weight ``share`` and no error."""
        return self.mean(self.add(None, [first, second], [share, 1 - share]), 0)

    def join(self, parts: list[Any]) -> Any:
        """The result of all shots, from those of its parts in the order of shots; the list may be
        emptied meanwhile, so that parts are gone."""
        raise NotImplementedError  # asked for only where ``joins`` is true


def samples_bytes(bits: int, shots: int) -> int:
    """Bytes of the samples of ``shots`` with ``bits`` classical bits."""
    return 8 * max(1, -(-bits // 64)) * shots


class Expectation(ResultKind):
    """The expectation values that :class:`Estimates
    <simquay.execution.observables.values.Estimates>` choose: means and their standard errors,
    float64, shape ``(2, observables chosen)``.

    A total is the sum of the weights, and those of the weighted values and of their squares.
    """

    averages = True

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        return self._estimates(context).result_bytes

    def reading_bytes(self, program: Program, context: RunContext) -> int:
        return self._estimates(context).reading_bytes

    def _estimates(self, context: RunContext) -> Estimates:
        estimates: Estimates = context.wanted["expectation"]
        return estimates

    def read(self, engine: Engine, state: State, context: RunContext, end: End) -> Sequence[Any]:
        estimates = self._estimates(context)
        measured = () if end.event is None else end.event.qubits
        results: list[Any] = []
        for values in chosen_values(
            engine, state, estimates, end.circuits, end.control, measured, end.resets
        ):
            exact = np.zeros((len(values), 2, values.shape[1]))
            exact[:, 0] = values
            results += list(exact)
        return results

    def add(self, total: Any, values: Sequence[Any], weights: Sequence[float]) -> Any:
        means = np.array([value[0] for value in values])
        powers = np.stack([np.ones(means.shape), means, means**2])
        new = np.einsum("i,pij->pj", weights, powers)
        return new if total is None else total + new

    def mean(self, total: Any, trajectories: int) -> Any:
        weight, first, second = total
        mean = first / weight
        error = np.zeros(len(mean))
        if trajectories > 1:
            variance = np.maximum(second / weight - mean**2, 0)
            error = np.sqrt(variance / (trajectories - 1))
        return np.stack([mean, error])

    def blend(self, first: Any, second: Any, share: float) -> Any:
        return share * first + (1 - share) * second


class Probabilities(ResultKind):
    """The joint distribution of the classical bits at the end, of the outcomes that are possible:
    ``(bits, probabilities)``, uint64 of shape ``(outcomes, words)`` as samples have them, and
    float64 of shape ``(outcomes,)``. The outcomes are distinct."""

    averages = True

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        outcomes = 1 << min(program.num_clbits, most_stored_qubits(program))
        return outcomes * (8 + samples_bytes(program.num_clbits, 1))

    def reading_bytes(self, program: Program, context: RunContext) -> int:
        return 2 * self.needed_bytes(program, context, 0)

    def read(self, engine: Engine, state: State, context: RunContext, end: End) -> Sequence[Any]:
        writes = () if end.event is None else end.event.writes
        bit_of = {clbit: qubit for qubit, clbit in writes}  # the last write to a bit stays
        stored = set(state.layout.order)
        qubits = sorted(stored.intersection(bit_of.values()))
        outcomes = np.arange(1 << len(qubits))
        keys = np.zeros((len(outcomes), max(-(-end.clbits // 64), 1)), dtype=np.uint64)
        write_outcomes(keys, slice(None), writes, qubits, outcomes)
        results: list[Any] = []
        step = max(_WEIGHTS_AT_ONCE // len(outcomes), 1)
        for first in range(0, state.batch, step):
            end.control.check()
            last = min(first + step, state.batch)
            vectors = state if step >= state.batch else engine.rows(state, first, last)
            rows = engine.probabilities(vectors, qubits, {})
            for row, bits in zip(rows, end.bits[first:last], strict=True):
                found = np.flatnonzero(row > _IMPOSSIBLE[context.precision])
                some = np.zeros((len(found), keys.shape[1]), dtype=np.uint64)
                write_words(some, [np.arange(len(found))], [bits])
                some |= keys[found]
                weights = row[found]
                for misread in () if end.event is None else end.event.misreads:
                    some, weights = misread_distribution(some, weights, misread)
                results.append((some, weights))
        return results

    def add(self, total: Any, values: Sequence[Any], weights: Sequence[float]) -> Any:
        parts = [] if total is None else [total]
        parts += [
            (keys, weight * some) for (keys, some), weight in zip(values, weights, strict=True)
        ]
        keys = np.concatenate([part[0] for part in parts])
        if keys.shape[1] == 1:
            distinct, places = np.unique(keys[:, 0], return_inverse=True)
            distinct = distinct[:, None]
        else:
            distinct, places = np.unique(keys, axis=0, return_inverse=True)
        sums = np.bincount(places.reshape(-1), np.concatenate([part[1] for part in parts]))
        return distinct, sums

    def mean(self, total: Any, trajectories: int) -> Any:
        keys, sums = total
        return keys, sums / sums.sum()
