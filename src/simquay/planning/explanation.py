"""A plan as a table that a person can read."""

from __future__ import annotations

from collections import Counter
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
from simquay.program.gates import Diagonal, GateOperation, Matrix, Permutation, Prepare, Relabel
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
    if not rows:
        return _heading(plan)
    total = sum(row.cost for row in rows) or 1.0
    flops = sum(row.flops for row in rows) / 1e6
    size = sum(row.amplitudes for row in rows) * precision.amplitude_bytes / 1e6
    table = [("pass", "kind", "qubits", "operations", "Mflop", "MB", "share", "what")]
    for number, row in enumerate(rows, start=1):
        moved = row.amplitudes * precision.amplitude_bytes / 1e6
        figures = (_figure(row.flops / 1e6), _figure(moved), f"{100 * row.cost / total:.0f}%")
        table.append((str(number), row.kind, row.qubits, row.operations, *figures, row.what))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_heading(plan)]
    for line in table:
        cells = zip(line, "><>>>>><", widths, strict=True)
        lines.append("  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip())
    lines.append(f"total: {_figure(flops)} Mflop, {_figure(size)} MB moved")
    return "\n".join(lines)


def _heading(plan: Plan) -> str:
    profile = plan.profile
    details = {
        "dense": f"clusters of up to {profile.width} qubits in tiles of {profile.tile}",
        "tiled": f"tiles of {profile.tile} qubits",
        "gates": "one pass a gate",
    }.get(profile.strategy.rpartition(" ")[2], "made by the engine's strategy")
    passes = "1 pass" if len(plan.passes) == 1 else f"{len(plan.passes)} passes"
    before, after = len(plan.initial.order), len(plan.final.order)
    stored = f"{after} qubits stored" if before == after else f"{before} to {after} qubits stored"
    return f"{profile.strategy} plan: {passes}, {stored}; {details}"


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
        return _gate_row(pass_.gate, layout)
    if isinstance(pass_, dense_plan.StartPass):
        size = float(pass_.amplitudes.size)
        what = "computed by planning, written here"
        row = _Row("start", str(len(pass_.after)), str(pass_.gates), 0.0, size, size, what)
        return row, Layout(pass_.after)
    if isinstance(pass_, dense_plan.LonePass):
        layout = Layout(pass_.before)
        return _gate_row(pass_.gate, layout)[0]._replace(kind="lone"), layout
    if isinstance(pass_, dense_plan.ClusterPass):
        return _cluster_row(pass_, profile), Layout(pass_.after)
    if isinstance(pass_, GateListPass):
        layout = Layout(pass_.order)
        gates = [_gate_row(gate, layout)[0] for gate in pass_.gates]
        flops = sum(gate.flops for gate in gates)
        moved = sum(gate.amplitudes for gate in gates)
        cost = sum(gate.cost for gate in gates)
        what = "gates one by one, planned without a search"
        row = _Row("gates", str(len(pass_.order)), str(len(gates)), flops, moved, cost, what)
        return row, layout
    if not isinstance(pass_, (tile_plan.TilePass, tile_plan.WidePass)):
        return _Row(type(pass_).__name__, "", "", 0.0, 0.0, 0.0, "a pass of the engine's"), layout
    tiled = pass_cost(pass_)
    seconds = max(tiled.amplitudes * precision.amplitude_bytes, tiled.flops / _FLOPS_PER_BYTE)
    if isinstance(pass_, tile_plan.WidePass):
        qubits = f"{len(pass_.gate.qubits)} of {pass_.width}"
        row = _Row("wide", qubits, "1", tiled.flops, tiled.amplitudes, seconds, "one gate")
        return row, layout
    stages = Counter(
        type(stage).__name__.removesuffix("Stage").lower()
        for round_ in pass_.rounds
        for stage in round_.stages
    )
    what = ", ".join(f"{count} {name}" for name, count in sorted(stages.items()))
    qubits = f"{len(pass_.active)} of {pass_.width}"
    row = _Row(
        "tile", qubits, str(tiled.stages), tiled.flops, tiled.amplitudes, seconds, what or "move"
    )
    return row, layout


def _gate_row(gate: GateOperation, layout: Layout) -> tuple[_Row, Layout]:
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
    qubits = f"{len(gate.qubits) + len(controls)} of {len(after.order)}"
    return _Row("gate", qubits, "1", rows * size, 2 * size, size * (1 + rows / 100), what), after


def _cluster_row(pass_: dense_plan.ClusterPass, profile: Profile) -> _Row:
    size = 2.0 ** len(pass_.before)
    costs = cluster_costs(profile)
    products = [step for step in pass_.steps if isinstance(step, dense_plan.ProductStep)]
    tables = [step for step in pass_.steps if isinstance(step, dense_plan.PhaseStep)]
    phases = sum(len(step.phases_before) + len(step.phases_after) for step in products)
    permutes = len(pass_.steps) - len(products) - len(tables)
    widths = Counter(len(step.wires) for step in products)
    flops = 6.0 * len(tables) + sum(8.0 * (count << width) for width, count in widths.items())
    cost = MOVE_COST + DIAGONAL_COST * len(tables) + PERMUTE_COST * permutes + PHASE_COST * phases
    cost += sum(count * costs[min(width, len(costs) - 1)] for width, count in widths.items())
    words = [f"{count} x {width}-qubit product" for width, count in sorted(widths.items())]
    for count, name in (
        (len(tables), "table"),
        (phases, "phase by tile"),
        (permutes, "permutation"),
    ):
        if count:
            words.append(f"{count} x {name}")
    qubits = f"{len(pass_.loaded)} of {len(pass_.before)}"
    gates = sum(step.gates for step in products) + sum(step.gates for step in tables)
    moved = size + size / (1 << pass_.new)
    what = ", ".join(words) or "move"
    return _Row("cluster", qubits, str(gates), flops * size, moved, cost * size, what)
