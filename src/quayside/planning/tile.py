"""The ``tiled`` strategy: passes over tiles that stay in fast memory.

Planning has two halves. :func:`find_tiled` looks at the structure of the gates and decides
everything but numbers; :meth:`TiledRecipe.fill` computes the numbers. The same gates with other
angles need only the second half again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quayside.errors import ProgramError
from quayside.planning.plan import Layout, Plan, Profile
from quayside.planning.tile_blocks import (
    Block,
    Source,
    Values,
    make_blocks,
    operands,
    resolve_zeros,
)
from quayside.planning.tile_build import PassRecipe, WideRecipe, build_pass
from quayside.planning.tile_forms import set_traits, traits_of
from quayside.planning.tile_fuse import find_clusters, merge_clusters
from quayside.planning.tile_product import Product
from quayside.planning.tile_schedule import make_steps
from quayside.program.operations import GateOperation

__all__ = ["TiledRecipe", "find_tiled"]


@dataclass(frozen=True, slots=True, eq=False)
class TiledRecipe:
    """A tiled plan without its numbers.

    It holds for gates of the same types, qubits, controls, control states and permutation tables,
    in the same order, whose numbers have the same traits (:mod:`quayside.planning.tile_forms`).
    """

    profile: Profile
    initial: Layout
    final: Layout
    _gates: list[int]
    _blocks: list[Block]
    _traits: list[int]
    _sources: list[Source]
    _singles: list[int]
    _products: list[Product]
    _merged: list[Source]
    _passes: list[PassRecipe | WideRecipe]

    def fill(self, gates: Sequence[GateOperation]) -> Plan | None:
        """The plan for ``gates``; None if their numbers have other traits.

        The caller answers for the rest of their structure.
        """
        values = operands(gates, self._gates)
        if traits_of(self._blocks, values) != self._traits:
            return None
        return self._fill(values)

    def _fill(self, values: list[Values]) -> Plan:
        for number, block in enumerate(self._blocks):
            if block.kind == "diagonal" and values[number].ndim == 2:
                values[number] = values[number].diagonal()
        resolved = [source.read(values) for source in self._sources]
        merged = [resolved[single] for single in self._singles]
        for product in self._products:
            product.fill(resolved, merged)
        numbers = [source.read(merged) for source in self._merged]
        passes = tuple([recipe.fill(numbers) for recipe in self._passes])
        return Plan(self.profile, self.initial, self.final, passes)


def find_tiled(
    gates: Sequence[GateOperation], layout: Layout, profile: Profile
) -> tuple[TiledRecipe, Plan]:
    """The recipe for gates like these, and the plan for these.

    The plan has tile passes, and a :class:`~quayside.planning.tile_plan.WidePass` for each gate
    that needs more qubits than a tile has.

    Raises:
        ProgramError: if the profile's ``low`` is not below its ``tile``.
    """
    if not 0 <= profile.low < profile.tile:
        raise ProgramError(
            f"a tiled profile needs 0 <= low < tile, not low={profile.low}, tile={profile.tile}"
        )
    first, gate_numbers, renamed = make_blocks(gates)
    values = operands(gates, gate_numbers)
    traits = traits_of(first, values)
    set_traits(first, traits)
    resolved, sources = resolve_zeros(first, layout.order)
    merged, singles, products = merge_clusters(resolved, find_clusters(resolved))
    # What cancelled may have been all that would have stored a qubit.
    blocks, merged_sources = resolve_zeros(merged, layout.order)
    steps = make_steps(blocks, layout.order, profile.tile, profile.low)
    passes = [build_pass(step, blocks, profile.span) for step in steps]
    order = steps[-1].after if steps else layout.order
    recipe = TiledRecipe(
        profile,
        layout,
        Layout(tuple(renamed.get(wire, wire) for wire in order)),
        gate_numbers,
        first,
        traits,
        sources,
        singles,
        products,
        merged_sources,
        passes,
    )
    return recipe, recipe._fill(values)
