"""The ``tiled`` strategy: passes over tiles that stay in fast memory."""

from __future__ import annotations

from collections.abc import Sequence

from quayside.errors import ProgramError
from quayside.planning.plan import Layout, Plan, Profile
from quayside.planning.tile_blocks import make_blocks, resolve_zeros
from quayside.planning.tile_build import build_pass
from quayside.planning.tile_fuse import build_clusters, find_clusters
from quayside.planning.tile_schedule import make_steps
from quayside.program.operations import GateOperation

__all__ = ["plan_tiled"]


def plan_tiled(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
    """A plan of tile passes, with :class:`~quayside.planning.tile_plan.WidePass` where need be.

    Raises:
        ProgramError: if the profile's ``low`` is not below its ``tile``.
    """
    if not 0 <= profile.low < profile.tile:
        raise ProgramError(
            f"a tiled profile needs 0 <= low < tile, not low={profile.low}, tile={profile.tile}"
        )
    blocks, renamed = make_blocks(gates)
    blocks = resolve_zeros(blocks, layout.order)
    blocks = build_clusters(blocks, find_clusters(blocks))
    # What cancelled may have been all that would have stored a qubit.
    blocks = resolve_zeros(blocks, layout.order)
    steps = make_steps(blocks, layout.order, profile.tile, profile.low)
    passes = [build_pass(step, blocks, profile.span) for step in steps]
    order = steps[-1].after if steps else layout.order
    final = Layout(tuple(renamed.get(wire, wire) for wire in order))
    return Plan(profile, layout, final, passes)
