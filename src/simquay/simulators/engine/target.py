"""The ``Target`` of Simquay's engines: every instruction that lowering takes, on any qubits.

With it ``transpile(circuit, backend)`` leaves a circuit as it is. No circuit has to be transpiled:
lowering takes more than a target can say (any gate with a matrix or a definition).
"""

from __future__ import annotations

from qiskit.circuit import (
    Barrier,
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    Instruction,
    Store,
    get_control_flow_name_mapping,
)
from qiskit.circuit.library import (
    DiagonalGate,
    Initialize,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.transpiler import Target

from simquay.circuits.lowering.noise.channels import CHANNELS
from simquay.circuits.lowering.saves import AERS

__all__ = ["MOST_QUBITS", "make_target"]

MOST_QUBITS = 1024
"""The number of qubits in targets of backends that have no such limit; see :func:`make_target`."""

_ANY_WIDTH: dict[str, type[Instruction]] = {
    "barrier": Barrier,
    "box": BoxOp,
    "break_loop": BreakLoopOp,
    "continue_loop": ContinueLoopOp,
    "diagonal": DiagonalGate,
    "initialize": Initialize,
    "mcphase": MCPhaseGate,
    "mcx": MCXGate,
    "pauli": PauliGate,
    "PauliEvolution": PauliEvolutionGate,
    "permutation": PermutationGate,
    "state_preparation": StatePreparation,
    "store": Store,
    "unitary": UnitaryGate,
    # By name alone, since Aer need not be installed.
    **dict.fromkeys((*AERS, *CHANNELS), Instruction),
}


def make_target() -> Target:
    """A new target. Making it takes about a millisecond, so a backend makes it on first use.

    The number of qubits that an engine runs is limited by memory alone, and qubits that no gate
    touches take none. But client libraries ask for a number. The transpiler refuses wider circuits,
    so it is far above what any memory holds; and it widens circuits with an ``initial_layout`` to
    that number, which takes time in proportion, so it is no larger.
    """
    target = Target(description="Simquay's statevector engines", num_qubits=MOST_QUBITS)
    for name, instruction in get_standard_gate_name_mapping().items():
        target.add_instruction(instruction, properties=None, name=name)
    for name, kind in (get_control_flow_name_mapping() | _ANY_WIDTH).items():
        target.add_instruction(kind, name=name)
    return target
