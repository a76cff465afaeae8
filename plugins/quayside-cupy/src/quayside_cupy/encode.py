"""Tiled plans → programs of the tile interpreter (cuda/tile_pass.cuh)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from quayside.errors import ProgramError
from quayside.planning import Plan
from quayside.planning.tile_plan import DenseStage, PermuteStage, Stage, TilePass, WidePass
from quayside.program import Precision
from quayside_cupy.absorb import Multiplex, absorb_flips, pair_conditions
from quayside_cupy.geometry import (
    GEOMETRIES,
    Geometry,
    Mapping,
    middle_mapping,
    outer_mapping,
)
from quayside_cupy.programs import PROGRAM_BYTES, Buffers, Launch, PlanPrograms
from quayside_cupy.stages import ProgramWriter

__all__ = ["encode_plan"]

MAX_OUTER_BITS = 31


@dataclass(slots=True)
class _Round:
    """Stages, and the local bits that must be register bits for them."""

    targets: set[int] = field(default_factory=set)
    stages: list[Stage | Multiplex] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Trip:
    """What the launches of one pass have in common."""

    outer: tuple[int, ...]
    width: int
    before: int
    load: tuple[int, ...]
    store: tuple[int, ...]


def encode_plan(plan: Plan, precision: Precision, limit: int = PROGRAM_BYTES) -> PlanPrograms:
    """``plan``, of strategy ``tiled``, for the GPU, with programs of at most ``limit`` bytes.

    Raises:
        ProgramError: if the plan is not tiled, its tiles are not the kernel's, or one stage alone
            is larger than a program may be.
    """
    geometry = GEOMETRIES[precision]
    buffers = Buffers(precision, geometry)
    passes: list[tuple[tuple[int, Launch], ...] | WidePass] = []
    for pass_ in plan.passes:
        if isinstance(pass_, TilePass):
            passes.append(tuple(_encode_pass(pass_, buffers, limit)))
        elif isinstance(pass_, WidePass):
            passes.append(pass_)
        else:
            raise ProgramError(
                f"the cupy engine applies plans of the strategy 'tiled'; a "
                f"{type(pass_).__name__} is no pass of one"
            )
    return buffers.finish(passes)


def _encode_pass(pass_: TilePass, buffers: Buffers, limit: int) -> list[tuple[int, Launch]]:
    geometry = buffers.geometry
    active = len(pass_.active)
    if active > geometry.tile or (active < geometry.tile and active != pass_.width):
        raise ProgramError(
            f"the cupy engine's tiles have {geometry.tile} qubits in this precision, not {active}; "
            "make the plan with the profile that the engine gives"
        )
    if pass_.width - active > MAX_OUTER_BITS:
        raise ProgramError(f"{pass_.width} qubits are more than the cupy engine can number")
    # A small state is padded to a tile: the missing local bits are the storage bits above it,
    # which are not read, and are written as 0.
    padding = tuple(range(pass_.width, pass_.width + geometry.tile - active))
    trip = _Trip(
        outer=pass_.outer,
        width=pass_.width,
        before=pass_.before,
        load=(*pass_.active, *padding),
        store=(*(pass_.active[place] for place in pass_.store), *padding),
    )
    return _encode_rounds(_rounds(pass_, geometry), trip, buffers, limit)


def _rounds(pass_: TilePass, geometry: Geometry) -> list[_Round]:
    """The pass's rounds, neighbours joined where a thread can hold the targets of both."""
    rounds = [_Round()]
    for stage in pair_conditions(absorb_flips(pass_.stages)):
        needs = _register_needs(stage)
        union = rounds[-1].targets | needs
        if len(union) > geometry.register:
            rounds.append(_Round())
            union = needs
        rounds[-1].targets = union
        rounds[-1].stages.append(stage)
    return rounds


def _register_needs(stage: Stage | Multiplex) -> set[int]:
    """The local bits that must be register bits for ``stage``."""
    if isinstance(stage, Multiplex):
        return set(stage.stage.bits)
    if isinstance(stage, DenseStage):
        few = len(stage.bits) <= (2 if stage.condition.local_mask else 3)
        return set(stage.bits) if few else set()
    if isinstance(stage, PermuteStage) and stage.is_flip:
        return set(stage.bits)
    return set()


def _encode_rounds(
    rounds: Sequence[_Round], trip: _Trip, buffers: Buffers, limit: int
) -> list[tuple[int, Launch]]:
    """One program, or two halves, one after the other, where one would be too large."""
    writer = ProgramWriter(buffers)
    for mapping, stages in _arrange(rounds, trip, buffers.geometry):
        writer.begin_round(mapping)
        for stage in stages:
            writer.stage(stage)
    words = writer.finish(trip.load, trip.store, trip.before, trip.width, trip.outer, limit)
    if words is not None:
        window, start = buffers.add_program(words)
        tiles = 1 << len(trip.outer)
        return [(window, Launch(start, tiles, writer.forms, trip.width))]
    first, second = _halves(rounds)
    before = _Trip(trip.outer, trip.width, trip.before, trip.load, trip.load)
    after = _Trip(trip.outer, trip.width, max(trip.load) + 1, trip.load, trip.store)
    return [
        *_encode_rounds(first, before, buffers, limit),
        *_encode_rounds(second, after, buffers, limit),
    ]


def _halves(rounds: Sequence[_Round]) -> tuple[Sequence[_Round], Sequence[_Round]]:
    if len(rounds) > 1:
        middle = len(rounds) // 2
        return rounds[:middle], rounds[middle:]
    (only,) = rounds
    middle = len(only.stages) // 2
    if not middle:
        raise ProgramError("one stage of a plan is larger than the cupy engine's program memory")
    return (
        [_Round(only.targets, only.stages[:middle])],
        [_Round(only.targets, only.stages[middle:])],
    )


def _arrange(
    rounds: Sequence[_Round], trip: _Trip, geometry: Geometry
) -> list[tuple[Mapping, Sequence[Stage | Multiplex]]]:
    """The thread order of each round; with an empty round more for the load or the store where
    the targets of the first or last would scatter its accesses."""
    targets = [tuple(sorted(round_.targets)) for round_ in rounds]
    stages: list[Sequence[Stage | Multiplex]] = [round_.stages for round_ in rounds]
    if len(rounds) == 1:
        both = outer_mapping(geometry, targets[0], (trip.load, trip.store))
        if both is not None:
            return [(both, stages[0])]
    head = outer_mapping(geometry, targets[0], (trip.load,))
    if head is None:
        targets.insert(0, ())
        stages.insert(0, ())
        head = outer_mapping(geometry, (), (trip.load,))
    tail = outer_mapping(geometry, targets[-1], (trip.store,)) if len(targets) > 1 else None
    if tail is None:
        targets.append(())
        stages.append(())
        tail = outer_mapping(geometry, (), (trip.store,))
    assert head is not None  # without targets there is always one
    assert tail is not None
    middle = [middle_mapping(geometry, each) for each in targets[1:-1]]
    return list(zip([head, *middle, tail], stages, strict=True))
