"""The ``tiled`` strategy: passes over tiles that stay in fast memory.

Planning has two halves. :func:`find_tiled` reads the structure of the gates and finds a recipe: a
plan without numbers. :meth:`TiledRecipe.fill` computes the numbers. The same gates with other
angles need only the second half again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from simquay.errors import ProgramError
from simquay.planning.numbers.pool import Pool, PoolLayout
from simquay.planning.numbers.products import ProductRecipe
from simquay.planning.numbers.sweep import GateSweep
from simquay.planning.plan import Pass, Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.planning.tiled.blocks.blocks import make_blocks, resolve_zeros
from simquay.planning.tiled.blocks.clusters import fuse_blocks
from simquay.planning.tiled.build import build_pass
from simquay.planning.tiled.gather import Filled, GatherPlan, GatherRecipe, Late
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.schedule import schedule_passes
from simquay.planning.tiled.traits import Traits, traits_of
from simquay.program.gates import GateOperation

__all__ = ["TiledRecipe", "find_tiled"]


@dataclass(frozen=True, slots=True, eq=False)
class TiledRecipe:
    """A tiled plan without its numbers.

    It holds for gates of the same types, qubits, controls, control states and permutation tables,
    in the same order, whose numbers have the same traits
    (:mod:`simquay.planning.tiled.block_types`).
    """

    profile: Profile
    initial: Layout
    final: Layout
    _pool: PoolLayout
    _traits: Traits
    _products: list[ProductRecipe]
    _arrays: GatherRecipe
    _passes: list[Late[TilePass | WidePass]]
    _wide: bool

    @property
    def size(self) -> int:
        """About the bytes of the recipe and of a plan."""
        return 250 * len(self._pool.starts) + 48 * self._pool.size

    def fill(self, gates: Sequence[GateOperation]) -> Plan | None:
        """The plan for ``gates``; None if their numbers have other traits.

        The caller answers for the rest of their structure.
        """
        pool = self._pool.fill(gates)
        if (traits_of(pool, self._pool) != self._traits).any():
            return None
        return self._plan(pool)

    def fill_sweep(self, sweep: GateSweep) -> SweepPlan | None:
        """The plans for the gate lists of a sweep of that structure as one.

        None if one of them has other traits, or if a gate is too wide for a tile. Consecutive lists
        with the same numbers have the same pass objects. Vectors that share lists are all of more
        qubits than ``Profile.low``.
        """
        if self._wide:
            return None
        pools = self._pool.fill_sweep(sweep)
        if (traits_of(pools, self._pool) != self._traits).any():
            return None
        if sweep.lists is not None:
            made = self._made(self._arrays.fill_together(self._with_products(pools)))
            if isinstance(made[0], TilePass) and made[0].width < self.profile.low:
                return None
            return SweepPlan(self.profile, self.initial, self.final, sweep.batch, made, sweep.lists)
        is_new = [True, *(pools[1:] != pools[:-1]).any(axis=1)]
        passes: list[tuple[Pass, ...]] = []
        arrays = self._arrays.fill_sweep(self._with_products(pools))
        for filled, new in zip(arrays, is_new, strict=True):
            passes.append(self._made(filled) if new else passes[-1])
        together = tuple(zip(*passes, strict=True))
        return SweepPlan(self.profile, self.initial, self.final, sweep.batch, together)

    def _plan(self, pool: Pool) -> Plan:
        passes = self._made(self._arrays.fill(self._with_products(pool)))
        return Plan(self.profile, self.initial, self.final, passes)

    def _with_products(self, pool: Pool) -> Pool:
        if not self._products:
            return pool
        lists = pool.shape[:-1]
        products = [recipe.fill(pool).reshape(*lists, -1) for recipe in self._products]
        return np.concatenate([pool[..., :-1], *products, pool[..., -1:]], axis=-1)

    def _made(self, filled: Filled) -> tuple[Pass, ...]:
        return tuple([pass_(filled) for pass_ in self._passes])


def find_tiled(
    gates: Sequence[GateOperation], layout: Layout, profile: Profile
) -> tuple[TiledRecipe, Plan]:
    """The recipe for gates like these, and the plan for these.

    The plan has tile passes, and a :class:`~simquay.planning.tiled.passes.WidePass` for each gate
    that needs more qubits than a tile has.

    Raises:
        ProgramError: if the profile's ``low`` is not below its ``tile``.
    """
    if not 0 <= profile.low < profile.tile:
        raise ProgramError(
            f"a tiled profile needs 0 <= low < tile, not low={profile.low}, tile={profile.tile}"
        )
    numbers = PoolLayout(gates)
    pool = numbers.fill(gates)
    traits = traits_of(pool, numbers)
    by_gate = [0] * len(gates)
    with_numbers = chain.from_iterable(group.gates for group in numbers.groups)
    for gate, trait in zip(with_numbers, traits.tolist(), strict=True):
        by_gate[gate] = trait
    blocks, renamed = make_blocks(gates, by_gate, numbers.starts, layout.order)
    blocks, products, vanished = fuse_blocks(blocks, numbers.size - 1)
    if vanished:
        # A block that cancelled may have been the only one that would have stored a qubit.
        blocks = resolve_zeros(blocks, layout.order)
    graph = Graph.of(blocks)
    scheduled = schedule_passes(
        blocks, graph, layout.order, profile.tile, profile.low, profile.search
    )
    gather_plan = GatherPlan(blocks)
    passes = [build_pass(pass_, graph, profile.span, gather_plan) for pass_ in scheduled]
    order = scheduled[-1].after if scheduled else layout.order
    recipe = TiledRecipe(
        profile,
        layout,
        Layout(tuple([renamed.get(wire, wire) for wire in order])),
        numbers,
        traits,
        products,
        gather_plan.recipe(),
        passes,
        any(pass_.wide for pass_ in scheduled),
    )
    return recipe, recipe._plan(pool)
