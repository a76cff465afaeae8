"""How many passes the tiled planner needs for each family, and how long planning takes (CPU time).

    python -m benchmarks.cpu.passes --qubits 30 --tile 12 --low 3 4 5

``passes`` counts all; ``full`` weighs each by the amplitudes that it writes, as a share of the
final vector: the first passes write a vector that is still small. ``flops`` is per amplitude of
the final vector, ``floor`` the least time that an H100 would take (3.0 TB/s, 47 Tflop/s single).
"""

from __future__ import annotations

import argparse
import time

from benchmarks.circuits import FAMILIES
from benchmarks.plans import gates_of, tiled_passes
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.cost import pass_cost

GOALS = {"qft": 3, "qv": 15, "random": 21, "tfim20": 10, "qaoa": 8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qubits", type=int, default=30)
    parser.add_argument("--tile", type=int, default=12)
    parser.add_argument("--low", type=int, nargs="+", default=[3])
    parser.add_argument("--span", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stored", action="store_true", help="all qubits are stored at the start")
    parser.add_argument("--families", nargs="+", default=None)
    args = parser.parse_args()
    start_layout = Layout(tuple(range(args.qubits)) if args.stored else ())
    programs = {name: make(args.qubits, args.seed) for name, make in FAMILIES.items()}
    programs["tfim20"] = FAMILIES["tfim"](args.qubits, args.seed, steps=20)
    print(f"n={args.qubits} tile={args.tile} span={args.span} seed={args.seed}")
    print(
        f"{'family':8}{'low':>4}{'gates':>7}{'goal':>5}{'passes':>7}{'full':>7}{'stages':>7}"
        f"{'rounds':>7}{'flops':>7}{'floor ms':>9}{'plan ms':>9}"
    )
    for name, program in programs.items():
        if args.families and name not in args.families:
            continue
        for low in args.low:
            profile = Profile("tiled", tile=args.tile, low=low, span=args.span)
            times = []
            for _ in range(args.repeats):
                start = time.process_time()
                plan = make_plan(gates_of(program), start_layout, profile, cache=None)
                times.append(time.process_time() - start)
            width = len(plan.final.order)
            costs = [pass_cost(pass_) for pass_ in tiled_passes(plan)]
            full = sum(2.0 ** (pass_.width - width) for pass_ in tiled_passes(plan))
            flops = sum(cost.flops for cost in costs) / 2.0**width
            moved = 8 * sum(cost.amplitudes for cost in costs)
            floor = max(moved / 3.0e12, flops * 2.0**width / 47e12)
            print(
                f"{name:8}{low:4}{len(program.operations):7}{GOALS.get(name, ''):>5}"
                f"{len(plan):7}{full:7.2f}{sum(cost.stages for cost in costs):7}"
                f"{sum(cost.rounds for cost in costs):7}{flops:7.0f}{floor * 1e3:9.1f}"
                f"{min(times) * 1e3:9.1f}"
            )


if __name__ == "__main__":
    main()
