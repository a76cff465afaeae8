"""The engine API: all that an engine plugin imports beside ``simquay.plugin``.

An engine derives from :class:`BaseEngine`: it applies the :class:`Plan` that Simquay makes for its
:class:`Profile`. Names are added within a version of the API; their meaning changes with
:data:`ENGINE_API` alone. No name here needs Qiskit.
``simquay.testing.engines`` is for an engine's tests.

The names by subject:

- the engine: :class:`BaseEngine`, :class:`Engine` (one of any states), :class:`State`,
  :func:`check_plan`, :func:`pauli_letters`;
- an engine on NumPy arrays, to derive from: :class:`DenseEngine`, with :class:`DenseState`, and the
  functions that it is made of; :class:`ReferenceEngine`, to compare with;
- programs: :class:`Precision`, the operations, :func:`mask_of` and other functions on bits;
- plans: :class:`Layout`, the passes of each strategy, :func:`make_plan`;
- the run: :class:`Control`, errors, threads, memory, :func:`after_fork`.
"""

from simquay.control import Control
from simquay.engines.base import ENGINE_API, BaseEngine, Engine, State, check_plan, pauli_letters
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.gates import apply_gate
from simquay.engines.numpy.reading import joint_probabilities, pauli_expectation
from simquay.engines.numpy.state import ComplexArray, DenseState, split_bits, storage_indices
from simquay.engines.reference import ReferenceEngine
from simquay.engines.threads import run_side_by_side, yield_to_others
from simquay.engines.tiled_interpreter import apply_tile_pass, apply_wide
from simquay.errors import Cancelled, OutOfMemoryError, ProgramError, SimquayError
from simquay.planning import (
    GatePass,
    Layout,
    Pass,
    Plan,
    Profile,
    SweepPlan,
    make_plan,
    make_sweep_plan,
)
from simquay.planning.dense.steps import (
    ClusterPass,
    LonePass,
    OuterPhase,
    PermuteStep,
    PhaseStep,
    ProductStep,
    StartPass,
)
from simquay.planning.direct import GateListPass
from simquay.planning.planner import Strategy, register_strategy
from simquay.planning.tiled.passes import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Form,
    PermuteStage,
    PrepareStage,
    Round,
    Stage,
    TilePass,
    WidePass,
)
from simquay.program.bits import bits_of, deposit, extract, mask_of, spread
from simquay.program.operations import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)
from simquay.program.precision import Precision
from simquay.system.cpus import cpu_budget
from simquay.system.lifecycle import after_fork
from simquay.system.memory import (
    format_bytes,
    host_available_bytes,
    host_total_bytes,
    register_cache,
)

__all__ = [
    "ALWAYS",
    "ENGINE_API",
    "BaseEngine",
    "Cancelled",
    "ClusterPass",
    "ComplexArray",
    "Condition",
    "Control",
    "DenseEngine",
    "DenseStage",
    "DenseState",
    "Diagonal",
    "DiagonalGroup",
    "DiagonalStage",
    "DiagonalTerm",
    "Engine",
    "Form",
    "GateListPass",
    "GateOperation",
    "GatePass",
    "Layout",
    "LonePass",
    "Matrix",
    "OutOfMemoryError",
    "OuterPhase",
    "Pass",
    "Permutation",
    "PermuteStage",
    "PermuteStep",
    "PhaseStep",
    "Plan",
    "Precision",
    "Prepare",
    "PrepareStage",
    "ProductStep",
    "Profile",
    "ProgramError",
    "ReferenceEngine",
    "Relabel",
    "Round",
    "SimquayError",
    "Stage",
    "StartPass",
    "State",
    "Strategy",
    "SweepPlan",
    "TilePass",
    "WidePass",
    "after_fork",
    "apply_gate",
    "apply_tile_pass",
    "apply_wide",
    "bits_of",
    "check_plan",
    "cpu_budget",
    "deposit",
    "extract",
    "format_bytes",
    "host_available_bytes",
    "host_total_bytes",
    "joint_probabilities",
    "make_plan",
    "make_sweep_plan",
    "mask_of",
    "pauli_expectation",
    "pauli_letters",
    "register_cache",
    "register_strategy",
    "run_side_by_side",
    "split_bits",
    "spread",
    "storage_indices",
    "yield_to_others",
]
