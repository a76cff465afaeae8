"""Qiskit's primitives, version 2, on any backend.

Takes pubs: a circuit with arrays of parameter values, and of observables. Gives jobs whose result
is Qiskit's ``PrimitiveResult``. Read ``sampler.py`` first, then ``pubs.py``.
"""

from simquay.primitives.estimator import EstimatorV2
from simquay.primitives.sampler import SamplerV2

__all__ = ["EstimatorV2", "SamplerV2"]
