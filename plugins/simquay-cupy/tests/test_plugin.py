"""The plugin as the registry sees it."""

from __future__ import annotations

import subprocess
import sys

from simquay_cupy.plugin import simquay_register_backends


def test_discovery_imports_neither_cupy_nor_qiskit() -> None:
    code = (
        "import sys\n"
        "import simquay_cupy.plugin, simquay_cupy.probe\n"
        "list(simquay_cupy.plugin.simquay_register_backends())\n"
        "simquay_cupy.probe.probe()\n"
        "print(sorted({'cupy', 'qiskit', 'simquay_cupy.engine'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_engine_imports_where_cupy_and_qiskit_are_missing() -> None:
    code = (
        "import sys\n"
        "sys.modules['cupy'] = sys.modules['qiskit'] = None\n"
        "import simquay_cupy.engine, simquay_cupy.factory\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_spec() -> None:
    (spec,) = simquay_register_backends()
    assert (spec.name, spec.aliases) == ("cupy", ("gpu-statevector",))
    assert (spec.device, spec.priority) == ("gpu", 10)
