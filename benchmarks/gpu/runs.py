"""Plans and runs of the benchmarks of the GPU engine."""

from __future__ import annotations

from benchmarks.plans import gates_of
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.program import Precision, Program
from simquay_cupy.engine import CupyEngine
from simquay_cupy.states import DeviceState

__all__ = ["apply", "cpu_engines", "plan_for"]


def plan_for(
    engine: CupyEngine, program: Program, precision: Precision, low: int | None = None
) -> Plan:
    """A plan that no other has been made of."""
    profile = engine.profile(precision, program.num_qubits)
    if low is not None:
        profile = Profile("tiled", tile=profile.tile, low=low, span=profile.span)
    return make_plan(gates_of(program), Layout(), profile, cache=None)


def apply(engine: CupyEngine, state: DeviceState, plan: Plan) -> None:
    """Apply ``plan`` to |0…0>. The first pass reads one amplitude and writes the rest."""
    state.order = ()
    with engine.on.active():
        state.vectors[:, 0] = 1
    engine.apply(state, plan, Control())


def cpu_engines() -> dict[str, Engine]:
    """The CPU's engines that there are here, by name; compiled, where they are."""
    engines: dict[str, Engine] = {"numpy": DenseEngine()}
    try:
        from simquay_numba.engine import NumbaEngine
    except ImportError as error:
        print(f"no Numba on this machine: {error}")
    else:
        engines["numba"] = NumbaEngine()
    return engines
