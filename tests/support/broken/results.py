"""Jobs that each break one check of results or of values; the class is named after the check."""

from __future__ import annotations

from typing import Any, ClassVar

from simquay.jobs.job import Job


class _Altered(Job):
    """A job whose result is altered, once."""

    _is_altered = False

    def result(self, timeout: float | None = None) -> Any:
        result = super().result(timeout)
        if not self._is_altered:
            self._is_altered = True
            self.alter(result)
        return result

    def alter(self, result: Any) -> None:
        """Change the result in place."""
        for experiment in result.results:
            self.alter_experiment(experiment)

    def alter_experiment(self, experiment: Any) -> None:
        """Change the result of one circuit in place."""


class R01(_Altered):
    """The outcomes of three bits are reversed, in 5 shots."""

    def alter_experiment(self, experiment: Any) -> None:
        if experiment.shots == 5 and experiment.header["memory_slots"] == 3:
            experiment.data.counts = {
                hex(int(format(int(outcome, 16), "03b")[::-1], 2)): number
                for outcome, number in experiment.data.counts.items()
            }


class R02(_Altered):
    """The first register is leftmost, in 5 shots."""

    def alter_experiment(self, experiment: Any) -> None:
        if experiment.shots == 5:
            experiment.header["creg_sizes"] = experiment.header["creg_sizes"][::-1]


class R04(_Altered):
    """One outcome in the memory of 200 shots is another."""

    def alter_experiment(self, experiment: Any) -> None:
        memory = getattr(experiment.data, "memory", None)
        if memory is not None and len(memory) == 200:
            memory[0] = "0x1" if memory[0] != "0x1" else "0x0"


class R05(_Altered):
    """The header of the circuit ``bell`` has another name."""

    def alter_experiment(self, experiment: Any) -> None:
        if experiment.header["name"] == "bell":
            experiment.header["name"] = "Bell"


class R06(_Altered):
    """The result names another backend."""

    def alter(self, result: Any) -> None:
        result.backend_name = "another"


class _OneOutcome(_Altered):
    """All shots of one circuit gave the outcome 1."""

    circuit: ClassVar[str]

    def alter_experiment(self, experiment: Any) -> None:
        if experiment.header["name"] == self.circuit:
            experiment.data.counts = {"0x1": experiment.shots}


class V01(_OneOutcome):
    """Wrong for a GHZ state."""

    circuit = "ghz"


class V02(_OneOutcome):
    """Wrong for rotations."""

    circuit = "rotations"


class V03(_OneOutcome):
    """Wrong where phases interfere."""

    circuit = "h t h"


class V04(_OneOutcome):
    """Wrong for phase estimation."""

    circuit = "phase estimation"


class V05(_OneOutcome):
    """Adds 1 + 1 + 1 wrongly."""

    circuit = "1+1+1"


class V06(_OneOutcome):
    """Wrong for the second random circuit."""

    circuit = "random 1"


class V07(_OneOutcome):
    """A qubit measured twice gives two outcomes."""

    circuit = "measured twice"


class V08(_OneOutcome):
    """Teleportation always sends the same bits."""

    circuit = "teleportation"


class V09(_OneOutcome):
    """A circuit that undoes itself does not."""

    circuit = "undone"
