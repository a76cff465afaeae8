"""Random strings, and one random state in two engines."""

from __future__ import annotations

from typing import Any

import numpy as np

from simquay.engines.reference import ReferenceEngine
from simquay.planning import Layout
from simquay.program import Precision, Strings

__all__ = ["random_states", "random_strings"]


def random_strings(rng: np.random.Generator, num_qubits: int, terms: int, flips: int) -> Strings:
    """``terms`` strings with ``flips`` different masks of X and Y, 0 among them; half of the
    strings have projectors."""
    masks = rng.integers(0, 1 << num_qubits, (4, max(terms, flips)))
    x = rng.choice([0, *masks[0, : flips - 1]], terms)
    z, fixed, values = masks[1:, :terms]
    fixed = np.where(rng.random(terms) < 0.5, fixed & values & ~x, 0)
    return Strings(x, z & ~fixed, fixed, rng.integers(0, 1 << num_qubits, terms) & fixed)


def random_states(
    rng: np.random.Generator, num_qubits: int, precision: Precision, batch: int, engine: Any
) -> tuple[tuple[Any, Any], tuple[ReferenceEngine, Any]]:
    """``engine`` and the reference engine, each with a state of the same random vectors; ``engine``
    is one of dense states."""
    vectors = rng.normal(size=(batch, 1 << num_qubits, 2)).view(np.complex128)[..., 0]
    vectors = (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(precision.complex_dtype)
    order = rng.permutation(num_qubits).tolist()
    state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    state.layout = Layout(tuple(order))
    state.vector[...] = vectors
    reference = ReferenceEngine()
    known = reference.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    known.order, known.vectors = order, vectors
    return (engine, state), (reference, known)
