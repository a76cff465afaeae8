"""``AdjointEstimatorGradient``: gradients as qiskit-algorithms and qiskit-machine-learning ask for
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import BackendV2

from simquay.gradients.gradient import gradient_job
from simquay.jobs.base import BaseJob
from simquay.results import EstimatorGradients, Gradient

__all__ = ["AdjointEstimatorGradient", "EstimatorGradients"]


class AdjointEstimatorGradient:
    """The gradient of an estimator's values by the adjoint method: in place of the libraries'
    ``ParamShiftEstimatorGradient`` and its like, such as ``VQE(..., gradient=...)`` and
    ``EstimatorQNN(..., gradient=...)``.

    Args:
        backend: on one of Simquay's engines, or its name; None for the best one.
        options: run options, as for :func:`~simquay.gradients.value_and_gradient`.
    """

    def __init__(self, backend: BackendV2 | str | None = None, **options: Any) -> None:
        self.backend = backend
        self.options = options

    def run(
        self,
        circuits: QuantumCircuit | Sequence[QuantumCircuit],
        observables: Any,
        parameter_values: Sequence[Any],
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        *,
        precision: Any = None,
        **options: Any,
    ) -> BaseJob:
        """Submit gradients.

        Points that follow each other with one circuit and one observable, the same objects, are run
        together.

        Args:
            circuits: one for each point; or one alone, with one observable.
            observables: one for each point.
            parameter_values: of the circuits' parameters, one row for each point.
            parameters: by which to derive, for each point; None for all of them.
            precision: has no effect, since the gradients are exact.
            options: run options of this run.

        Returns:
            The job; its result is an :class:`EstimatorGradients`.

        Raises:
            ValueError: if there are not as many circuits as observables, values and parameters, or
                not a row of values for each.
            TypeError, ValueError, ProgramError, RunOptionError: as
                :func:`~simquay.gradients.gradient_job`.
        """
        if isinstance(circuits, QuantumCircuit):
            circuits = [circuits]
        if hasattr(observables, "num_qubits"):
            observables = [observables]
        wanted = [None] * len(circuits) if parameters is None else [*parameters]
        sizes = {len(circuits), len(observables), len(parameter_values), len(wanted)}
        if len(sizes) > 1:
            raise ValueError(
                f"{len(circuits)} circuits, {len(observables)} observables, "
                f"{len(parameter_values)} rows of values and {len(wanted)} of parameters were "
                "given: expected as many of each"
            )
        pubs: list[tuple[QuantumCircuit, Any, list[Any]]] = []
        for circuit, observable, row in zip(circuits, observables, parameter_values, strict=True):
            if np.shape(row) != (circuit.num_parameters,):
                raise ValueError(
                    f"the values of circuit {circuit.name!r} have the shape {np.shape(row)}: "
                    f"expected {(circuit.num_parameters,)}, one for each of its parameters"
                )
            if not pubs or pubs[-1][0] is not circuit or pubs[-1][1] is not observable:
                pubs.append((circuit, observable, []))
            pubs[-1][2].append(row)
        listed = [
            [*circuit.parameters] if own is None else [*own]
            for circuit, own in zip(circuits, wanted, strict=True)
        ]
        columns = []
        for circuit, own in zip(circuits, listed, strict=True):
            places = {parameter: place for place, parameter in enumerate(circuit.parameters)}
            unknown = [parameter.name for parameter in own if parameter not in places]
            if unknown:
                raise ValueError(
                    f"circuit {circuit.name!r} has no parameter {', '.join(unknown)} to derive by"
                )
            columns.append([places[parameter] for parameter in own])

        def show(found: list[Gradient]) -> EstimatorGradients:
            rows = [row for one in found for row in one.gradients]
            return EstimatorGradients(
                [row[..., own] for row, own in zip(rows, columns, strict=True)],
                [{"parameters": own} for own in listed],
            )

        return gradient_job(self.backend, pubs, show=show, **{**self.options, **options})
