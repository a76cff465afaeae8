"""Tiled plans and sweeps → programs of the tile interpreter (cuda/tile_pass.cuh).

A program holds the numbers of its gates, so the vectors of a sweep that have different numbers have
different programs, each with its own launch. The programs of neighbouring vectors follow each other
in constant memory, so that one copy brings many of them there. Neighbours with equal numbers share
a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simquay.engine_api import (
    DenseStage,
    PermuteStage,
    Plan,
    Precision,
    ProgramError,
    Stage,
    SweepPlan,
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
    geometry_for,
    middle_order,
    outer_order,
    register_order,
)
from simquay_cupy.encoding.programs import PROGRAM_BYTES, Launch, PlanPrograms, ProgramBuffers
from simquay_cupy.encoding.stages import write_stage
from simquay_cupy.encoding.writer import ProgramWriter, Trip

__all__ = ["encode_plan", "encode_sweep"]

MAX_OUTER_BITS = 30
"""A grid has fewer than 2**31 blocks."""


@dataclass(slots=True)
class _Round:
    """Stages, and ``targets``, the local bits that must be register bits for them."""

    targets: set[int] = field(default_factory=set)
    stages: list[Stage | Multiplex] = field(default_factory=list)


def encode_plan(plan: Plan, precision: Precision, limit: int = PROGRAM_BYTES) -> PlanPrograms:
    """``plan``, of strategy ``tiled``, for the GPU, with programs of at most ``limit`` bytes.

    Raises:
        ProgramError: if the plan is not tiled, its tiles are not the kernel's, or one stage alone
            is larger than a program may be.
    """
    geometry = geometry_for(precision, plan.profile.tile)
    buffers = ProgramBuffers(precision, geometry)
    passes: list[tuple[Launch, ...] | WidePass] = []
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


def encode_sweep(plan: SweepPlan, precision: Precision, limit: int = PROGRAM_BYTES) -> PlanPrograms:
    """A tiled sweep for the GPU: the programs of all vectors, each of at most ``limit`` bytes.

    Raises:
        ProgramError: if it is not tiled, or as :func:`encode_plan` does.
    """
    buffers = ProgramBuffers(precision, geometry_for(precision, plan.profile.tile))
    passes = []
    for vectors in plan.passes:
        if not isinstance(vectors, tuple):
            raise ProgramError("the cupy engine applies tiled sweeps: a pass for each vector")
        launches: list[Launch] = []
        last: TilePass | None = None
        for vector, pass_ in enumerate(vectors):
            if not isinstance(pass_, TilePass):
                raise ProgramError(
                    f"a {type(pass_).__name__} is no pass of a sweep on the cupy engine"
                )
            if pass_ is not last:
                programs = _encode_pass(pass_, buffers, limit)
                last = pass_
            launches += [replace(launch, vector=vector) for launch in programs]
        passes.append(tuple(launches))
    return buffers.finish(passes)


def _encode_pass(pass_: TilePass, buffers: ProgramBuffers, limit: int) -> list[Launch]:
    """The launches of one pass."""
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
    trip = Trip(
        outer=pass_.outer,
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
        stage = stage.stage
    if isinstance(stage, DenseStage):
        few = len(stage.bits) <= (2 if stage.condition.local_mask else 3)
        return set(stage.bits) if few else set()
    if isinstance(stage, PermuteStage) and stage.is_flip:
        return set(stage.bits)
    return set()


def _encode_rounds(
    rounds: Sequence[_Round], trip: Trip, buffers: ProgramBuffers, limit: int
) -> list[Launch]:
    """One program; or those of two halves, one after the other, where one would be too large."""
    writer = ProgramWriter(buffers)
    for order, columns, stages in _arrange(rounds, trip, buffers.geometry):
        writer.begin_round(order, columns)
        for stage in stages:
            write_stage(writer, stage)
    words = writer.finish(trip, limit)
    if words is not None:
        return [Launch(*buffers.add_program(words), 1 << len(trip.outer), writer.forms)]
    first, second = _halves(rounds)
    there, back = replace(trip, store=trip.load), replace(trip, before=max(trip.load) + 1)
    return [
        *_encode_rounds(first, there, buffers, limit),
        *_encode_rounds(second, back, buffers, limit),
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
    rounds: Sequence[_Round], trip: Trip, geometry: Geometry
) -> list[tuple[Sequence[int], Sequence[int], Sequence[Stage | Multiplex]]]:
    """For each round the order of local bits, the slot column of each, and the stages.

    An empty round is added for the load or the store where the targets of the first or last round
    would scatter its accesses to global memory.
    """
    rounds = list(rounds)
    columns = geometry.columns

    def outer(number: int, *storage: Sequence[int]) -> tuple[int, ...] | None:
        return outer_order(geometry, sorted(rounds[number].targets), storage, columns)

    if len(rounds) == 1 and (both := outer(0, trip.load, trip.store)) is not None:
        return [(both, columns, rounds[0].stages)]
    if outer(0, trip.load) is None:
        rounds.insert(0, _Round())
    if len(rounds) == 1 or outer(-1, trip.store) is None:
        rounds.append(_Round())
    arranged: list[tuple[Sequence[int], Sequence[int], Sequence[Stage | Multiplex]]] = []
    last = len(rounds) - 1
    storage = {0: trip.load, last: trip.store}
    stages: Sequence[Stage | Multiplex] = rounds[0].stages
    for number, round_ in enumerate(rounds):
        if number in storage:
            order = outer(number, storage[number])
        else:
            order = middle_order(geometry, sorted(round_.targets), columns)
        assert order is not None  # the first and last round were made to have one
        order = _pairs_first(order, round_.stages, geometry)
        rest, flips = stages, list[tuple[int, int]]()
        if number != last:
            rest, flips = take_last_flips(stages)
            stages, first = take_first_flips(rounds[number + 1].stages)
            flips += first
        arranged.append((order, columns, rest))
        columns = _after_flips(columns, flips)
    return arranged


def _pairs_first(
    order: tuple[int, ...], stages: Sequence[Stage | Multiplex], geometry: Geometry
) -> tuple[int, ...]:
    """``order`` with its register bits in the order that :func:`register_order` gives for the
    pairs of bits that have two-qubit matrices."""
    threads, registers = order[: geometry.thread], order[geometry.thread :]
    pairs = {
        tuple(map(registers.index, stage.bits))
        for stage in stages
        if isinstance(stage, DenseStage) and len(stage.bits) == 2
    }
    if not pairs:
        return order
    return (*threads, *(registers[bit] for bit in register_order(len(registers), frozenset(pairs))))


def _after_flips(columns: Sequence[int], flips: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The columns with which an exchange applies ``flips``, CX as (control, target).

    A CX moves the amplitude at index ``l`` to ``l`` with the target bit flipped where the control
    bit is set. The amplitude stays in its slot, so the control's column is XORed with the target's.
    """
    changed = list(columns)
    for control, target in flips:
        changed[control] ^= changed[target]
    return tuple(changed)
