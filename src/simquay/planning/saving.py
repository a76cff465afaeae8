"""Plans as files: a ``.npz`` of a JSON tree and the arrays it refers to; no pickles.

So an engine can be run and measured with the very plans that another machine made.
"""

from __future__ import annotations

from simquay.errors import ProgramError
from simquay.planning import plan
from simquay.planning.dense import steps as dense_plan
from simquay.planning.plan import Plan
from simquay.planning.tiled import passes as tile_plan
from simquay.program import operations
from simquay.program.plain import File, dataclasses_of, load_tree, save_tree

__all__ = ["load_plan", "save_plan"]

FORMAT = 1

_CLASSES = dataclasses_of(operations, plan, dense_plan, tile_plan)


def save_plan(plan: Plan, file: File) -> None:
    """Write ``plan``, of any strategy, to ``file`` (a path, or a binary file) as ``.npz``."""
    save_tree("plan", FORMAT, plan, file)


def load_plan(file: File) -> Plan:
    """Read a plan that :func:`save_plan` wrote.

    Raises:
        ProgramError: if the file is no such plan, or one of another format version.
        OSError: if the file cannot be opened.
    """
    found = load_tree("plan", FORMAT, file, _CLASSES)
    if not isinstance(found, Plan):
        name = file if isinstance(file, str) else getattr(file, "name", file)
        raise ProgramError(f"{name}: holds a {type(found).__name__}, not a plan")
    return found
