"""For the tests of an engine plugin: random gates, and states that engines make of them.

Compare an engine with :class:`simquay.engine_api.ReferenceEngine`.
"""

from simquay.testing.harness.gates import (
    apply_gates,
    evolve,
    other_numbers,
    random_gates,
    random_unitary,
)

__all__ = ["apply_gates", "evolve", "other_numbers", "random_gates", "random_unitary"]
