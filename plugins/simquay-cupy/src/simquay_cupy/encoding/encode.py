"""Tiled plans → programs of the tile interpreter (cuda/tile_pass.cuh)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simquay.engine_api import (
    DenseStage,
    PermuteStage,
    Plan,
    Precision,
    ProgramError,
    Stage,
    TilePass,
    WidePass,
)
from simquay_cupy.encoding.flip_fusion import (
    Multiplex,
    fuse_flips,
    pair_conditions,
    take_first_flips,
    take_last_flips,
)
from simquay_cupy.encoding.geometry import (
    WHOLE_STATE,
    Geometry,
    Mapping,
    geometry_for,
    middle_mapping,
    outer_mapping,
)
from simquay_cupy.encoding.programs import PROGRAM_BYTES, Launch, PlanPrograms, ProgramBuffers
from simquay_cupy.encoding.stages import write_stage
from simquay_cupy.encoding.writer import ProgramWriter

__all__ = ["encode_pass", "encode_plan"]

MAX_OUTER_BITS = 30
"""A grid has fewer than 2**31 blocks."""


@dataclass(slots=True)
class _Round:
    """Stages, and ``targets``, the local bits that must be register bits for them."""

    targets: set[int] = field(default_factory=set)
    stages: list[Stage | Multiplex] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Trip:
    """The part that the launches of one pass share.

    Attributes:
        outer: storage bits of the tile number, ascending.
        width: qubits that are stored afterwards.
        before: qubits that are stored before.
        load, store: the storage bit of each local bit, on the way in and out.
    """

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
    geometry = geometry_for(precision, plan.profile.tile)
    buffers = ProgramBuffers(precision, geometry)
    passes: list[tuple[tuple[int, Launch], ...] | WidePass] = []
    for pass_ in plan.passes:
        if isinstance(pass_, TilePass):
            passes.append(tuple(encode_pass(pass_, buffers, limit)))
        elif isinstance(pass_, WidePass):
            passes.append(pass_)
        else:
            raise ProgramError(
                f"the cupy engine applies plans of the strategy 'tiled'; a "
                f"{type(pass_).__name__} is no pass of one"
            )
    return buffers.finish(passes)


def encode_pass(pass_: TilePass, buffers: ProgramBuffers, limit: int) -> list[tuple[int, Launch]]:
    """The launches of one pass, each with the number of its window in ``buffers``."""
    geometry = buffers.geometry
    active = len(pass_.active)
    if active > geometry.tile or (active < geometry.tile and active != pass_.width):
        raise ProgramError(
            f"the cupy engine's tiles have {geometry.tile} qubits in this precision, not {active}; "
            "make the plan with the profile that the engine gives"
        )
    if geometry is WHOLE_STATE and active < pass_.width:
        raise ProgramError(
            f"the cupy engine's tiles of {active} qubits are for states of so many in this "
            f"precision, not of {pass_.width}; make the plan with the profile that the engine gives"
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
    """The pass's rounds; neighbours are joined if a thread can hold the targets of both."""
    rounds = [_Round()]
    for stage in pair_conditions(fuse_flips(pass_.stages)):
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
    rounds: Sequence[_Round], trip: _Trip, buffers: ProgramBuffers, limit: int
) -> list[tuple[int, Launch]]:
    """One program; or those of two halves, one after the other, where one would be too large."""
    writer = ProgramWriter(buffers)
    for mapping, columns, stages in _arrange(rounds, trip, buffers.geometry):
        writer.begin_round(mapping, columns)
        for stage in stages:
            write_stage(writer, stage)
    words = writer.finish(trip.load, trip.store, trip.before, trip.outer, limit)
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
) -> list[tuple[Mapping, Sequence[int], Sequence[Stage | Multiplex]]]:
    """For each round the thread order, the slot column of each local bit, and the stages.

    An empty round is added for the load or the store where the targets of the first or last round
    would scatter its accesses to global memory.
    """
    targets = [tuple(sorted(round_.targets)) for round_ in rounds]
    stages: list[Sequence[Stage | Multiplex]] = [round_.stages for round_ in rounds]
    columns = geometry.columns
    if len(rounds) == 1:
        both = outer_mapping(geometry, targets[0], (trip.load, trip.store), columns)
        if both is not None:
            return [(both, columns, stages[0])]
    if outer_mapping(geometry, targets[0], (trip.load,), columns) is None:
        targets.insert(0, ())
        stages.insert(0, ())
    if len(targets) == 1 or outer_mapping(geometry, targets[-1], (trip.store,), columns) is None:
        targets.append(())
        stages.append(())
    arranged: list[tuple[Mapping, Sequence[int], Sequence[Stage | Multiplex]]] = []
    last = len(targets) - 1
    for number, bits in enumerate(targets):
        mapping: Mapping | None
        if number == 0:
            mapping = outer_mapping(geometry, bits, (trip.load,), columns)
        elif number == last:
            mapping = outer_mapping(geometry, bits, (trip.store,), columns)
        else:
            mapping = middle_mapping(geometry, bits, columns)
        assert mapping is not None  # the first and last round were made to have one
        rest, flips = stages[number], list[tuple[int, int]]()
        if number != last:
            rest, flips = take_last_flips(rest)
            stages[number + 1], first = take_first_flips(stages[number + 1])
            flips += first
        arranged.append((mapping, columns, rest))
        columns = _after_flips(columns, flips)
    return arranged


def _after_flips(columns: Sequence[int], flips: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The columns with which an exchange applies ``flips``, CX as (control, target).

    A CX moves the amplitude at index ``l`` to ``l`` with the target bit flipped where the control
    bit is set. The amplitude stays in its slot, so the control's column is XORed with the target's.
    """
    changed = list(columns)
    for control, target in flips:
        changed[control] ^= changed[target]
    return tuple(changed)
