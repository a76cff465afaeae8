"""The abilities that only some engines have; each engine says whether it has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.protocol import State
from simquay.errors import ProgramError
from simquay.planning import SweepPlan
from simquay.program import GateOperation, Precision, Strings

__all__ = ["Abilities", "S"]

S = TypeVar("S", bound=State)
"""The class of an engine's states."""


class Abilities(Generic[S]):
    """Methods that are called where an engine says that it has them."""

    name: str  # for messages; see BaseEngine

    folds: bool = False
    """Whether gradients of real circuits use :meth:`folded`."""

    list_qubits: int = 0
    """States of up to so many stored qubits go back through a circuit by one call, where they have
    one vector: of :meth:`run_list`."""

    packs: bool = False
    """Whether the engine writes :meth:`exchange_parts`: then density matrices, whose coefficients
    are real, take half as many amplitudes."""

    def exchange_parts(self, state: S, qubit: int, other: int) -> None:
        """Take the two parts of each amplitude for a real vector's values where a qubit ``other``,
        which the layout does not have, is 0 and 1. Exchange it with ``qubit``, in place: ``other``
        then has the place of ``qubit``, which is stored before if it is not.

        For an engine that :attr:`packs`; no other is called.
        """
        raise ProgramError(f"the engine {self.name} does not exchange parts of amplitudes")

    def folded(
        self, state: S, strings: Strings, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Change vectors ``a``, which are real, in place into ``a + 1j * b``, where ``b`` is the
        real part of what the sum of ``strings`` times ``weights`` gives of ``a``. Returns the
        scalar products of ``a`` and ``b``, shape ``(batch,)``.

        For an engine that says :attr:`folds`; no other is called.
        """
        raise ProgramError(f"the engine {self.name} folds no states")

    def gate_list(
        self,
        gates: Sequence[GateOperation],
        order: tuple[int, ...],
        starts: Mapping[int, int],
        changed: int,
        strings: Strings,
        places: Sequence[int],
    ) -> Any:
        """Gates, and strings to read between them, in a form of the engine's, for any number of
        calls of :meth:`run_list`.

        Args:
            gates: to apply in order, on qubits of ``order``; none is a ``Relabel``.
            order: the layout of states.
            starts: for some gates, by place: where their numbers begin among those that change.
            changed: how many of these there are.
            strings: of storage bits.
            places: the gates before which each is read, in order; ``len(gates)`` is after all.
        """
        raise ProgramError(f"the engine {self.name} keeps no lists of gates")

    def run_list(self, state: S, made: Any, changed: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Apply what :meth:`gate_list` made to a state of one vector, of its layout or with nothing
        stored, with the numbers ``changed``; returns the real parts of the strings' means, shape
        ``(1, strings)``."""
        raise ProgramError(f"the engine {self.name} keeps no lists of gates")

    def sweep_qubits(self, precision: Precision) -> int:
        """States of up to so many stored qubits run faster as one batch in a sweep; 0: none do,
        and the programs of a sweep run one by one."""
        return 0

    def apply_sweep(self, state: S, plan: SweepPlan, control: Control) -> None:
        """As :meth:`~simquay.engines.base.BaseEngine.apply`, with the numbers that ``plan``
        has for each vector.

        For an engine whose :meth:`sweep_qubits` is not 0; no other is called.

        Raises:
            ProgramError: if the plan is for another layout, strategy or batch than the state's.
            Cancelled: if the control says so; the amplitudes are then undefined.
        """
        raise ProgramError(f"the engine {self.name} runs the programs of a sweep one by one")
