"""A plan as a table that a person can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from simquay.planning.dense import steps as dense_plan
from simquay.planning.dense.cost import (
    DIAGONAL_COST,
    MOVE_COST,
    PERMUTE_COST,
    PHASE_COST,
    cluster_costs,
)
from simquay.planning.direct import GateListPass
from simquay.planning.plan import GatePass, Pass, Plan
from simquay.planning.profile import Layout, Profile
from simquay.planning.tiled import passes as tile_plan
from simquay.planning.tiled.cost import pass_cost
from simquay.program.operations import Diagonal, Matrix, Permutation, Prepare, Relabel
from simquay.program.precision import Precision

__all__ = ["explain"]

_FLOPS_PER_BYTE = 8.0
"""A tiled pass with so many flops a byte takes as long for arithmetic as for memory."""


class _Row(NamedTuple):
    """One pass: ``cost`` in any unit, ``amplitudes`` read plus written."""

    kind: str
    qubits: str
    operations: str
    flops: float
    amplitudes: float
    cost: float
    what: str


def explain(plan: Plan, precision: Precision = Precision.DOUBLE) -> str:
    """A table for people, with a row for each pass: qubits, operations, flops, bytes and share.

    ``precision`` is that of the state, and decides the bytes. The share is of the predicted time.
    There is no newline at the end.
    """
    rows = []
    layout = plan.initial
    for pass_ in plan.passes:
        row, layout = _row(pass_, layout, plan.profile, precision)
        rows.append(row)
    total = sum(row.cost for row in rows) or 1.0
    table = [("pass", "kind", "qubits", "operations", "Mflop", "MB", "share", "what")]
    for index, row in enumerate(rows):
        table.append(
            (
                str(index + 1),
                row.kind,
                row.qubits,
                row.operations,
                _figure(row.flops / 1e6),
                _figure(row.amplitudes * precision.amplitude_bytes / 1e6),
                f"{100 * row.cost / total:.0f}%",
                row.what,
            )
        )
    flops = sum(row.flops for row in rows)
    size = sum(row.amplitudes for row in rows) * precision.amplitude_bytes
    lines = [_heading(plan)]
    if rows:
        lines += _aligned(table)
        lines.append(f"total: {_figure(flops / 1e6)} Mflop, {_figure(size / 1e6)} MB moved")
    return "\n".join(lines)


def _heading(plan: Plan) -> str:
    profile = plan.profile
    details = {
        "dense": f"clusters of up to {profile.width} qubits in tiles of {profile.tile}",
        "tiled": f"tiles of {profile.tile} qubits",
        "gates": "one pass a gate",
    }.get(profile.strategy, "made by the engine's strategy")
    passes = "1 pass" if len(plan.passes) == 1 else f"{len(plan.passes)} passes"
    before, after = len(plan.initial.order), len(plan.final.order)
    stored = f"{after} qubits stored" if before == after else f"{before} to {after} qubits stored"
    return f"{profile.strategy} plan: {passes}, {stored}; {details}"


def _aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    left = {1, len(widths) - 1}
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def _figure(value: float) -> str:
    """Two significant digits below 100, whole numbers from there on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def _row(
    pass_: Pass, layout: Layout, profile: Profile, precision: Precision
) -> tuple[_Row, Layout]:
    """The row of a pass on a state of ``layout`` (wires, for dense plans), and the layout after."""
    if isinstance(pass_, GatePass):
        return _gate_row(pass_, layout)
    if isinstance(pass_, dense_plan.StartPass):
        size = float(pass_.amplitudes.size)
        what = "computed by planning, written here"
        row = _Row("start", str(len(pass_.after)), str(pass_.gates), 0.0, size, size, what)
        return row, Layout(pass_.after)
    if isinstance(pass_, dense_plan.LonePass):
        row, _ = _gate_row(GatePass(pass_.gate), Layout(pass_.before))
        return row._replace(kind="lone"), Layout(pass_.before)
    if isinstance(pass_, dense_plan.ClusterPass):
        return _cluster_row(pass_, profile), Layout(pass_.after)
    if isinstance(pass_, GateListPass):
        before = Layout(pass_.order)
        gates = [_gate_row(GatePass(gate), before)[0] for gate in pass_.gates]
        flops = sum(gate.flops for gate in gates)
        moved = sum(gate.amplitudes for gate in gates)
        total = sum(gate.cost for gate in gates)
        what = "gates one by one, planned without a search"
        row = _Row("gates", str(len(pass_.order)), str(len(gates)), flops, moved, total, what)
        return row, before
    if not isinstance(pass_, (tile_plan.TilePass, tile_plan.WidePass)):
        return _Row(type(pass_).__name__, "", "", 0.0, 0.0, 0.0, "a pass of the engine's"), layout
    cost = pass_cost(pass_)
    seconds = max(cost.amplitudes * precision.amplitude_bytes, cost.flops / _FLOPS_PER_BYTE)
    if isinstance(pass_, tile_plan.WidePass):
        qubits = f"{len(pass_.gate.qubits)} of {pass_.width}"
        row = _Row("wide", qubits, "1", cost.flops, cost.amplitudes, seconds, "one gate")
        return row, layout
    stages = Counter(
        type(stage).__name__.removesuffix("Stage").lower()
        for round_ in pass_.rounds
        for stage in round_.stages
    )
    what = ", ".join(f"{count} {name}" for name, count in sorted(stages.items()))
    qubits = f"{len(pass_.active)} of {pass_.width}"
    row = _Row(
        "tile", qubits, str(cost.stages), cost.flops, cost.amplitudes, seconds, what or "move"
    )
    return row, layout


def _gate_row(pass_: GatePass, layout: Layout) -> tuple[_Row, Layout]:
    gate = pass_.gate
    if isinstance(gate, Relabel):
        after = Layout(gate.renamed(layout.order))
        return _Row("gate", str(len(gate.qubits)), "1", 0.0, 0.0, 0.0, "relabel"), after
    controls = gate.controls
    new = [qubit for qubit in gate.qubits if qubit not in layout.order]
    after = Layout((*layout.order, *new))
    size = 2.0 ** (len(after.order) - len(controls))
    rows = {
        Matrix: 8.0 * (1 << len(gate.qubits)),
        Diagonal: 6.0,
        Permutation: 0.0,
        Prepare: 6.0,
    }[type(gate)]
    what = type(gate).__name__.lower()
    if controls:
        what += f" with {len(controls)} control{'s' if len(controls) > 1 else ''}"
    flops = rows * size
    qubits = f"{len(gate.qubits) + len(controls)} of {len(after.order)}"
    return _Row("gate", qubits, "1", flops, 2 * size, size * (1 + rows / 100), what), after


def _cluster_row(pass_: dense_plan.ClusterPass, profile: Profile) -> _Row:
    size = 2.0 ** len(pass_.before)
    moved = size + size / (1 << pass_.new)
    costs = cluster_costs(profile)
    cost = MOVE_COST
    flops = 0.0
    gates = 0
    products: Counter[int] = Counter()
    tables = permutes = phases = 0
    for step in pass_.steps:
        if isinstance(step, dense_plan.ProductStep):
            width = len(step.wires)
            products[width] += 1
            flops += 8.0 * (1 << width)
            cost += costs[min(width, len(costs) - 1)]
            count = len(step.phases_before) + len(step.phases_after)
            phases += count
            cost += count * PHASE_COST
            gates += step.gates
        elif isinstance(step, dense_plan.PhaseStep):
            tables += 1
            flops += 6.0
            cost += DIAGONAL_COST
            gates += step.gates
        else:
            permutes += 1
            cost += PERMUTE_COST
    words = [f"{count} x {width}-qubit product" for width, count in sorted(products.items())]
    for count, name in ((tables, "table"), (phases, "phase by tile"), (permutes, "permutation")):
        if count:
            words.append(f"{count} x {name}")
    qubits = f"{len(pass_.loaded)} of {len(pass_.before)}"
    return _Row(
        "cluster", qubits, str(gates), flops * size, moved, cost * size, ", ".join(words) or "move"
    )
