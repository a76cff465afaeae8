"""The plan cache: gates that were planned once are not planned again.

Two gate lists have the same *structure* if they have the same kinds of gates on the same qubits,
with the same controls and permutation tables. For a structure the cache keeps a recipe, so that
other angles need no search, and the last plan, for gates with the same angles.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from simquay.planning.direct import plan_direct, plan_sweep_direct
from simquay.planning.numbers.sweep import NUMBERS, GateSweep
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.program.gates import GateOperation
from simquay.system.lifecycle import after_fork

__all__ = ["Finder", "PlanCache", "Recipe", "numbers_of", "structure_of"]


_MOST_SEEN = 4096
"""The most structures of which it is known that they came before."""


class Recipe(Protocol):
    """A plan without its numbers: the matrices, diagonals and amplitudes of gates."""

    @property
    def size(self) -> int:
        """About the bytes of the recipe and of one plan that it gives, their numbers included."""

    def fill(self, gates: Sequence[GateOperation]) -> Plan | None:
        """The plan for gates of the recipe's structure; None if their numbers do not allow it."""

    def fill_sweep(self, sweep: GateSweep) -> SweepPlan | None:
        """The plans for the gate lists of a sweep of the recipe's structure as one.

        None if their numbers, or the recipe, do not allow it.
        """


Finder: TypeAlias = Callable[[Sequence[GateOperation], Layout, Profile], tuple[Recipe, Plan]]


def structure_of(gates: Sequence[GateOperation]) -> Hashable:
    """A key that two gate lists share if one recipe serves both."""
    return tuple([gate.structure() for gate in gates])


def numbers_of(gates: Sequence[GateOperation]) -> bytes:
    """All matrices, diagonals and amplitudes of ``gates``, as bytes in C order."""
    return b"".join([NUMBERS[type(one)](one).tobytes() for one in gates if type(one) in NUMBERS])


class _Entry(NamedTuple):
    recipe: Recipe
    numbers: bytes
    plan: Plan
    size: int


class PlanCache:
    """Recipes and plans by structure, layout and profile; the least recently used is dropped first.

    Args:
        entries: the most structures to keep.
        size: the most bytes of recipes and plans to keep. Those larger than a quarter of it are not
            kept.

    Threads may share a cache. Two that plan the same gates at once may both do the work; the result
    is the same. In a forked child, the cache is empty.
    """

    def __init__(self, entries: int = 256, size: int = 64 << 20) -> None:
        self._most_entries = entries
        self._most_bytes = size
        self._renew()
        after_fork(self._renew)

    def _renew(self) -> None:
        """Empty the cache, with a new lock.

        In a forked child, a thread that no longer exists may hold the old lock, and may have been
        in the middle of a change.
        """
        self._lock = threading.Lock()
        self.clear()

    def plan(
        self,
        gates: Sequence[GateOperation],
        layout: Layout,
        profile: Profile,
        find: Finder,
    ) -> Plan:
        """The plan for ``gates``: kept, refilled, or found by ``find`` and kept.

        A structure that comes for the first time gets a plan without a search, which is not kept,
        where the profile asks for that and there is one.
        """
        key, entry = self._find(gates, layout, profile)
        # No gates need no search, and a profile may allow none.
        if entry is None and 0 < len(gates) <= profile.direct and self._is_new(hash(key)):
            direct = plan_direct(gates, layout, profile)
            if direct is not None:
                return direct
        numbers = numbers_of(gates)
        if entry is not None:
            if entry.numbers == numbers:
                return entry.plan
            plan = entry.recipe.fill(gates)
            if plan is not None:
                self._keep(key, entry._replace(numbers=numbers, plan=plan))
                return plan
        recipe, plan = find(gates, layout, profile)
        self._keep(key, _Entry(recipe, numbers, plan, recipe.size))
        return plan

    def sweep(
        self,
        sweep: GateSweep,
        layout: Layout,
        profile: Profile,
        find: Finder,
        together: bool = True,
    ) -> SweepPlan | None:
        """The plans for the gate lists of a sweep as one.

        None if their numbers do not allow it. A recipe that ``find`` finds is kept, the plans are
        not; where the profile asks for that, and the vectors run together, the plan is one without
        a search.
        """
        gates = sweep.gates
        if together and profile.direct_sweeps:
            return plan_sweep_direct(sweep, layout, profile)
        key, entry = self._find(gates, layout, profile)
        if entry is None:
            recipe, plan = find(gates, layout, profile)
            entry = _Entry(recipe, numbers_of(gates), plan, recipe.size)
            self._keep(key, entry)
        return entry.recipe.fill_sweep(sweep)

    def _find(
        self, gates: Sequence[GateOperation], layout: Layout, profile: Profile
    ) -> tuple[Hashable, _Entry | None]:
        """The key of a structure, and the entry that is kept for it."""
        key = (structure_of(gates), layout.order, profile)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        return key, entry

    def _is_new(self, structure: int) -> bool:
        """Whether a structure, given by its hash, comes for the first time; it does not again.

        Hashes are kept, not keys, which may be large. Two structures of one hash, or one that came
        long ago, only get the other kind of plan.
        """
        with self._lock:
            if structure in self._seen:
                return False
            self._seen[structure] = None
            if len(self._seen) > _MOST_SEEN:
                self._seen.popitem(last=False)
            return True

    def clear(self) -> None:
        """Drop all plans and recipes."""
        with self._lock:
            self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
            self._seen: OrderedDict[int, None] = OrderedDict()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        with self._lock:
            old = self._entries.pop(key, None)
            if old is not None:
                self._bytes -= old.size
            if entry.size > self._most_bytes // 4:
                return
            self._entries[key] = entry
            self._bytes += entry.size
            while self._bytes > self._most_bytes or len(self._entries) > self._most_entries:
                _, dropped = self._entries.popitem(last=False)
                self._bytes -= dropped.size
