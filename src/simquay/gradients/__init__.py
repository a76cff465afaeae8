"""Gradients of expectation values by the adjoint method, as Qiskit's users call them.

Takes a backend on one of Simquay's engines, circuits, observables and values of parameters. Gives
values and derivatives as arrays, or a job of them. Read ``gradient.py`` first; the method is in
:mod:`simquay.execution.adjoint`.
"""

from simquay.gradients.estimator import AdjointEstimatorGradient, EstimatorGradients
from simquay.gradients.gradient import Gradient, gradient_job, jacobian, value_and_gradient

__all__ = [
    "AdjointEstimatorGradient",
    "EstimatorGradients",
    "Gradient",
    "gradient_job",
    "jacobian",
    "value_and_gradient",
]
