"""An engine that runs tiled plans with the NumPy interpreter: the model for compiled ones.

An engine for the host that has compiled kernels derives from :class:`TiledEngine` and replaces
:meth:`TiledEngine.apply_pass`, the name and the profile; allocation, reading, collapse and
expectation values are those of the NumPy engine.
"""

from __future__ import annotations

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.engines.tiled_interpreter import apply_pass
from simquay.errors import ProgramError
from simquay.planning import Plan, Profile
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.program import Precision

__all__ = ["TiledEngine"]


class TiledEngine(DenseEngine):
    """Runs tiled plans on the host: slow and plain, for tests.

    Args:
        tile: qubits of a tile.
        low: storage bits that every tile holds; less than ``tile``.
        span: the most targets of a round; 0 for no limit.
        threads: threads for reading a state; by default the CPUs that the process may use.
    """

    def __init__(
        self, *, tile: int = 8, low: int = 3, span: int = 0, threads: int | None = None
    ) -> None:
        super().__init__(threads=threads)
        self._tiled = Profile("tiled", tile=tile, low=low, span=span)

    @property
    def name(self) -> str:
        """``tiled``."""
        return "tiled"

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """What to plan for: the same tiles for every state."""
        return self._tiled

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """The interpreter copies the state twice."""
        state = batch * (precision.amplitude_bytes << num_qubits)
        return 2 * state + super().required_bytes(num_qubits, precision, batch)

    def sweep_qubits(self, precision: Precision) -> int:
        """None: tiled plans are applied one by one."""
        return 0

    def apply(self, state: DenseState, plan: Plan, control: Control) -> None:
        """Apply a tiled ``plan`` in place."""
        if plan.initial != state.layout:
            raise ProgramError(
                f"a plan for layout {plan.initial.order} cannot be applied to a state of layout "
                f"{state.layout.order}: plan from the state's layout"
            )
        if len(plan.final.order) > state.capacity:
            raise ProgramError(
                f"a plan stores {len(plan.final.order)} qubits in a state that was allocated for "
                f"{state.capacity}"
            )
        count = len(plan.passes)
        for number, pass_ in enumerate(plan.passes):
            control.check()
            if not isinstance(pass_, (TilePass, WidePass)):
                raise ProgramError(
                    f"a {type(pass_).__name__} is no pass that the engine {self.name} knows"
                )
            self.apply_pass(state.buffer, pass_)
            control.report((number + 1) / count)
        state.layout = plan.final

    def apply_pass(self, amplitudes: ComplexArray, pass_: TilePass | WidePass) -> None:
        """Apply one pass to ``amplitudes``, of shape ``(batch, 2**capacity)``, in place.

        What lies beyond ``2**pass_.before`` columns has no meaning before the pass.
        """
        apply_pass(amplitudes, pass_)
