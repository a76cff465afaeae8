"""The adjoint method on an engine.

For ``E = <psi| O |psi>`` and ``psi = U_m ... U_1 |0>``, the derivative by an angle of gate ``g`` is
``2 Im <lambda| K |psi>``, where ``K`` is the gate's generator
(:mod:`simquay.execution.adjoint.generators`), and where the gates from the last to ``g`` are undone
on both ``psi`` and ``lambda``, which is ``O psi`` at the end. So the state is evolved once, and two
states are taken back, whatever the number of angles: Jones and Gacon, arXiv:2009.02823.

Here the two are one state with one more qubit, the *pair*: ``|0> psi + |1> lambda``. To undo a gate
on both is to apply its inverse, which says nothing of that qubit, by plans that the engine has
anyway. And ``2 Im <lambda| P |psi>`` is minus the mean of the string ``Y P``, with Y on the pair;
the mean of X there is ``2 <psi| O |psi>``. Any engine can read these, many at a time;
:mod:`simquay.execution.adjoint.cuts` says when.

Where all gates are real, so are ``psi`` and ``lambda``, and generators are imaginary. Then the two
need no more room than one: the state is ``psi + i lambda``, and ``2 Im <lambda| P |psi>`` is its
mean of ``P``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import ProgramError
from simquay.execution.adjoint.cuts import Cuts, find_cuts
from simquay.execution.adjoint.lists import Lists, lists_of
from simquay.execution.adjoint.narrowing import Step, find_steps
from simquay.execution.adjoint.sites import Site, parametric_sites
from simquay.execution.adjoint.ways import Way, way_of
from simquay.execution.observables.terms import terms_of
from simquay.planning import GateSweep, make_plan, make_sweep_plan
from simquay.program import Channel, Gate, Observable, Precision, Program

__all__ = [
    "Derivatives",
    "check_gates",
    "derivatives",
    "points_together",
    "required_bytes",
]

Floats = NDArray[np.float64]

_FEW = 9
"""Stored qubits below which a sweep of one point, which needs no search for a plan, is faster than
a run."""


class Derivatives(NamedTuple):
    """Values of observables and their derivatives.

    Attributes:
        values: shape ``(points, observables)``.
        slopes: by the program's angles, shape ``(points, observables, angles)``.
    """

    values: Floats
    slopes: Floats


def required_bytes(
    program: Program, engine: Engine, precision: Precision, observables: int, batch: int = 1
) -> int:
    """Bytes of the engine's device that :func:`derivatives` needs for ``batch`` points at a time:
    two states, and one more where there are several observables."""
    capacity = _known(program, precision).way.stored
    need = engine.required_bytes(capacity + 1, precision, batch)
    return need if observables < 2 else need + engine.required_bytes(capacity, precision, batch)


def points_together(program: Program, engine: Engine, precision: Precision, points: int) -> int:
    """How many of ``points`` points are best run as one batch."""
    qubits = _known(program, precision).way.stored + 1
    if points < 2 or qubits > engine.sweep_qubits(precision):
        return 1
    two, one = [engine.required_bytes(qubits, precision, size) for size in (2, 1)]
    return min(points, max(1, engine.sweep_bytes // max(two - one, 1)))


def derivatives(
    program: Program,
    angles: Floats,
    observables: Sequence[Observable],
    engine: Engine,
    precision: Precision,
    control: Control,
    batch: int = 1,
    sites: Sequence[Site] | None = None,
) -> Derivatives:
    """The values of ``observables``, and their derivatives by the angles of ``program``.

    Args:
        program: of gates and channels.
        angles: of the points, shape ``(points, program.num_angles)``.
        observables: of the program's qubits.
        engine: runs the program; the caller has reserved :func:`required_bytes`.
        precision: of the amplitudes; sums are taken in double precision.
        control: checked before each pass.
        batch: how many points run as one batch, at most :func:`points_together`.
        sites: the gates whose generators are read; None for the parametric ones.

    Raises:
        ProgramError: if the program has anything but gates and channels.
        Cancelled: if ``control`` says so.
    """
    known = _known(program, precision)
    if sites is not None:
        known = known._replace(sites=sites, kept={}, lists={})
    run = _Backward(known, observables, engine, precision)
    points = len(angles)
    values = np.empty((points, len(observables)))
    slopes = np.zeros((points, len(observables), program.num_angles))
    for first in range(0, points, batch):
        some = slice(first, first + batch)
        section = control.section(first / points, min((first + batch) / points, 1))
        values[some], means = run.read(angles[some], section)
        for site, numbers in zip(known.sites, run.numbers, strict=True):
            found = run.norm * means[:, :, numbers]
            own = site.coefficients
            weights = own(angles[some]) if callable(own) else own
            by_angle = np.einsum("bkgp,bgap->bkga", found, weights)
            for one, slope in zip(site.columns.T, np.moveaxis(by_angle, -1, 0), strict=True):
                np.add.at(slopes[some].transpose(2, 0, 1), one, slope.transpose(2, 0, 1))
    return Derivatives(values, slopes)


def check_gates(program: Program) -> None:
    """Raises a :class:`~simquay.errors.ProgramError` if the program has anything but gates and
    channels."""
    for kind in dict.fromkeys(map(type, program.operations)):
        if not issubclass(kind, (Gate, Channel)):
            raise ProgramError(
                f"circuit {program.name!r} has an operation {kind.__name__}, and the "
                "adjoint method takes circuits of gates alone, and noise: remove measurements, "
                "resets, saves and control flow"
            )


_Numbers = Sequence[NDArray[np.intp]]
"""The numbers of the strings of the gates of each site, shape ``(gates, paulis)``."""


class _Known(NamedTuple):
    """What is known of a program.

    Attributes:
        program: the program.
        sites: its gates whose generators are read.
        way: of its state.
        kept: ways back that were found: by the qubits that the state stored before, the engine's
            ``turned_from``, and whether the state is folded.
        lists: those of small circuits, by the engine, and whether the state is folded.
    """

    program: Program
    sites: Sequence[Site]
    way: Way
    kept: dict[tuple[tuple[int, ...], int, bool], tuple[Sequence[tuple[Step, Cuts]], _Numbers]]
    lists: dict[tuple[Engine, bool], tuple[Lists | None, _Numbers]]


@lru_cache(maxsize=16)
def _place(identity: int, precision: Precision) -> list[_Known]:
    """What is known of a program with this ``id``, or nothing."""
    return []


def _known(program: Program, precision: Precision) -> _Known:
    """What is known of a program, which is kept, since an optimiser asks for one program at new
    angles again and again.

    Raises:
        ProgramError: if the program has anything but gates and channels.
    """
    found = _place(id(program), precision)
    if not found:
        check_gates(program)
        # It has the program, which keeps the id in use.
        found.append(_Known(program, parametric_sites(program), way_of(program, precision), {}, {}))
    return found[0]


def _with_zero(*means: Floats) -> Floats:
    """Means, shape ``(points, strings)``, and behind all a 0."""
    return np.concatenate([*means, np.zeros((len(means[0]), 1))], axis=1)


class _Backward:
    """Runs a program forth and back, and reads the strings of its cuts.

    Args:
        known: of the program.
        observables: of the program's qubits.
        engine: runs it.
        precision: of the amplitudes.
    """

    def __init__(
        self,
        known: _Known,
        observables: Sequence[Observable],
        engine: Engine,
        precision: Precision,
    ) -> None:
        self._known = known
        self._way = way = known.way
        self._observables = observables
        self._engine = engine
        self._precision = precision
        self._folds = engine.folds and way.is_real
        self._pair = None if self._folds else way.pair
        self._capacity = way.stored + (not self._folds)
        self._profile = engine.profile(precision, self._capacity)
        few = self._profile.direct_sweeps and self._capacity <= _FEW
        self._swept = few and self._capacity <= engine.sweep_qubits(precision)
        # Twice a generator's part of a derivative, by the mean of its string.
        self.norm = 1.0 if self._folds else -way.norm
        self.numbers: _Numbers = ()

    def read(self, angles: Floats, control: Control) -> tuple[Floats, Floats]:
        """The observables' values at some points, and the means of all strings: shape ``(points,
        observables, strings + 1)``, the last of which is 0.

        All points are one batch. :attr:`numbers` are then those of the sites' strings.
        """
        engine, way = self._engine, self._way
        if way.negated:
            angles = np.concatenate([angles, -angles], axis=1)
        values = np.empty((len(angles), len(self._observables)))
        found: list[Floats] = []
        qubits = way.pair + (not self._folds)
        state = engine.allocate(qubits, self._precision, capacity=self._capacity, batch=len(angles))
        steps = len(self._observables) + 1
        try:
            lists = self._lists() if len(angles) == 1 else None
            if lists is not None:
                engine.run_list(state, lists.forth, lists.forth_numbers(angles[0]))
            else:
                self._apply(state, way.begin, angles, control.section(0, 1 / steps))
            order = state.layout.order
            back = self._way_back(order) if lists is None else ()
            for number, observable in enumerate(self._observables):
                last = number == len(self._observables) - 1
                section = control.section((number + 1) / steps, (number + 2) / steps)
                terms = terms_of([observable], order)
                both = state if last else engine.copy(state)
                if self._folds:
                    value = engine.folded(both, terms.strings, terms.weights)
                else:
                    both = engine.paired(both, way.pair, terms.strings, terms.weights)
                if last:
                    state = both
                try:
                    if lists is not None:
                        control.check()
                        changed = lists.back_numbers(angles[0])
                        found.append(_with_zero(engine.run_list(both, lists.back, changed)))
                    else:
                        found.append(self._back(both, back, angles, section))
                finally:
                    if not last:
                        engine.release(both)
                if not self._folds:
                    value = way.norm * found[-1][:, 0] / 2
                values[:, number] = terms.constants[0] + value
        finally:
            engine.release(state)
        control.report(1.0)
        return values, np.stack(found, axis=1)

    def _back(
        self, both: Any, steps: Sequence[tuple[Step, Cuts]], angles: Floats, control: Control
    ) -> Floats:
        """The means of all strings, shape ``(points, strings + 1)``; the last is 0."""
        engine = self._engine
        found: list[Floats] = [np.zeros((len(angles), 0))]
        count, done = sum([len(cuts.segments) for _, cuts in steps]), 0
        for step, cuts in steps:
            for number, gates in enumerate(cuts.segments):
                section = control.section(done / count, (done + 1) / count)
                if not done:
                    gates = (*self._way.forth, *gates)
                done += 1
                if gates:
                    self._apply(both, gates, angles, section)
                if len(cuts.readings[number].starts):
                    strings, lost = cuts.strings(number, both.layout.order)
                    means = engine.means(both, strings, section)
                    means[:, lost] = 0
                    found.append(means)
            if step.dropped:
                engine.narrow(both, step.dropped)
        return _with_zero(*found)

    def _way_back(self, order: tuple[int, ...]) -> Sequence[tuple[Step, Cuts]]:
        """The steps of the way back from a state that stores the qubits ``order``, and their cuts;
        sets :attr:`numbers`."""
        kept, turned_from = self._known.kept, self._engine.turned_from
        key = order, turned_from, self._folds
        if key not in kept:
            way = self._way
            numbers: dict[int, Sequence[int]] = {}
            steps = []
            first, stored = 0, set(order)
            every = [Step(range(len(way.back)), ())]
            # With channels, a qubit that is |0> again may not be so in the observable.
            if not way.negated:
                every = find_steps(way.back, self._wanted, order)
            for step in every:
                turned = len(stored) >= turned_from
                cuts = find_cuts(way.back, self._wanted, stored, self._pair, turned, step, first)
                first += sum([len(reading.starts) for reading in cuts.readings])
                stored.difference_update(step.dropped)
                numbers |= cuts.numbers
                steps.append((step, cuts))
            kept[key] = steps, self._of_sites(numbers)
        found, self.numbers = kept[key]
        return found

    def _lists(self) -> Lists | None:
        """The ways forth and back of a small circuit as lists, or None; sets :attr:`numbers`."""
        kept = self._known.lists
        key = self._engine, self._folds
        if key not in kept:
            lists = lists_of(self._engine, self._way, self._wanted, self._pair)
            kept[key] = lists, self._of_sites(lists.numbers) if lists else ()
        lists, self.numbers = kept[key]
        return lists

    def _of_sites(self, numbers: Mapping[int, Sequence[int]]) -> Sequence[NDArray[np.intp]]:
        """The numbers of strings by site, from those by place."""
        places = self._way.places
        return [
            np.array([numbers[places[place]] for place in site.places], dtype=np.intp)
            for site in self._known.sites
        ]

    @property
    def _wanted(self) -> Mapping[int, Sequence[int]]:
        """The Pauli matrices to read, by the places of gates on the way back."""
        places = self._way.places
        return {places[place]: site.paulis for site in self._known.sites for place in site.places}

    def _apply(self, state: Any, gates: Sequence[Gate], angles: Floats, control: Control) -> None:
        sweep = GateSweep.at(gates, angles)
        if self._swept or len(angles) > 1:
            plan = make_sweep_plan(sweep, state.layout, self._profile)
            assert plan is not None, "parametric gates have one structure"
            self._engine.apply_sweep(state, plan, control)
        else:
            self._engine.apply(state, make_plan(sweep.gates, state.layout, self._profile), control)
