"""The engine API: all that an engine plugin imports beside ``simquay.plugin``.

An engine derives from :class:`BaseEngine`: it applies the :class:`Plan` that Simquay makes for its
:class:`Profile`. Names are added within a version of the API; their meaning changes with
:data:`ENGINE_API` alone. No name here needs Qiskit.
``simquay.testing.engines`` is for an engine's tests.

The names by subject:

- the engine: :class:`BaseEngine`, :class:`Engine` (one of any states), :class:`State`,
  :func:`check_plan`;
- an engine on NumPy arrays, to derive from: :class:`DenseEngine`, with :class:`DenseState`, and the
  functions that it is made of; :class:`ReferenceEngine`, to compare with;
- programs: :class:`Precision`, the operations, :class:`Strings` of letters; :func:`mask_of` and
  other functions on bits;
- plans: :class:`Layout`, the passes of each strategy, :func:`make_plan`;
- the run: :class:`Control`, errors, threads, memory, :func:`after_fork`,
  :func:`hold_at_fork`.
"""

from simquay.control import Control as Control
from simquay.engines.base import ENGINE_API as ENGINE_API
from simquay.engines.base import BaseEngine as BaseEngine
from simquay.engines.base import Engine as Engine
from simquay.engines.base import State as State
from simquay.engines.base import check_plan as check_plan
from simquay.engines.numpy.engine import DenseEngine as DenseEngine
from simquay.engines.numpy.gates import apply_gate as apply_gate
from simquay.engines.numpy.reading import joint_probabilities as joint_probabilities
from simquay.engines.numpy.state import ComplexArray as ComplexArray
from simquay.engines.numpy.state import DenseState as DenseState
from simquay.engines.numpy.state import split_bits as split_bits
from simquay.engines.numpy.state import storage_indices as storage_indices
from simquay.engines.reference import ReferenceEngine as ReferenceEngine
from simquay.engines.threads import run_side_by_side as run_side_by_side
from simquay.engines.threads import yield_to_others as yield_to_others
from simquay.engines.tiled_interpreter import apply_tile_pass as apply_tile_pass
from simquay.engines.tiled_interpreter import apply_wide as apply_wide
from simquay.errors import Cancelled as Cancelled
from simquay.errors import OutOfMemoryError as OutOfMemoryError
from simquay.errors import ProgramError as ProgramError
from simquay.errors import SimquayCacheWarning as SimquayCacheWarning
from simquay.errors import SimquayError as SimquayError
from simquay.planning import Change as Change
from simquay.planning import GatePass as GatePass
from simquay.planning import GateSweep as GateSweep
from simquay.planning import Layout as Layout
from simquay.planning import Pass as Pass
from simquay.planning import Plan as Plan
from simquay.planning import Profile as Profile
from simquay.planning import SweepPlan as SweepPlan
from simquay.planning import make_plan as make_plan
from simquay.planning import make_sweep_plan as make_sweep_plan
from simquay.planning.dense.steps import ClusterPass as ClusterPass
from simquay.planning.dense.steps import LonePass as LonePass
from simquay.planning.dense.steps import OuterPhase as OuterPhase
from simquay.planning.dense.steps import PermuteStep as PermuteStep
from simquay.planning.dense.steps import PhaseStep as PhaseStep
from simquay.planning.dense.steps import ProductStep as ProductStep
from simquay.planning.dense.steps import StartPass as StartPass
from simquay.planning.direct import GateListPass as GateListPass
from simquay.planning.planner import Strategy as Strategy
from simquay.planning.planner import register_strategy as register_strategy
from simquay.planning.tiled.passes import ALWAYS as ALWAYS
from simquay.planning.tiled.passes import Condition as Condition
from simquay.planning.tiled.passes import DenseStage as DenseStage
from simquay.planning.tiled.passes import DiagonalGroup as DiagonalGroup
from simquay.planning.tiled.passes import DiagonalStage as DiagonalStage
from simquay.planning.tiled.passes import DiagonalTerm as DiagonalTerm
from simquay.planning.tiled.passes import Form as Form
from simquay.planning.tiled.passes import PermuteStage as PermuteStage
from simquay.planning.tiled.passes import PrepareStage as PrepareStage
from simquay.planning.tiled.passes import Round as Round
from simquay.planning.tiled.passes import Stage as Stage
from simquay.planning.tiled.passes import TilePass as TilePass
from simquay.planning.tiled.passes import WidePass as WidePass
from simquay.program.bits import bit_counts as bit_counts
from simquay.program.bits import bits_of as bits_of
from simquay.program.bits import deposit as deposit
from simquay.program.bits import extract as extract
from simquay.program.bits import mask_of as mask_of
from simquay.program.bits import spread as spread
from simquay.program.gates import Diagonal as Diagonal
from simquay.program.gates import GateOperation as GateOperation
from simquay.program.gates import Matrix as Matrix
from simquay.program.gates import Permutation as Permutation
from simquay.program.gates import Prepare as Prepare
from simquay.program.gates import Relabel as Relabel
from simquay.program.observable import Strings as Strings
from simquay.program.precision import Precision as Precision
from simquay.system.cpus import cpu_budget as cpu_budget
from simquay.system.lifecycle import after_fork as after_fork
from simquay.system.lifecycle import hold_at_fork as hold_at_fork
from simquay.system.memory import format_bytes as format_bytes
from simquay.system.memory import host_available_bytes as host_available_bytes
from simquay.system.memory import host_total_bytes as host_total_bytes
from simquay.system.memory import register_cache as register_cache
from simquay.system.starting import start_thread as start_thread
