"""Files of circuits with mistakes in them: mutations of sound ones, the same for the same seed.

As a program, it reads mutated files within limits, and tells each that does not end as it should::

    python -m tests.support.fuzzed_files FORMAT FIRST COUNT FOLDER
"""

from __future__ import annotations

import faulthandler
import io
import random
import re
import resource
import sys
import time
import warnings
from pathlib import Path

import psutil
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import PauliEvolutionGate, QFTGate, UnitaryGate
from qiskit.quantum_info import SparsePauliOp, random_unitary

from simquay.circuits.files import load_circuits
from simquay.circuits.lowering.circuit import lower
from simquay.errors import CircuitFileError, SimquayError
from tests.support.paths import ROOT

FOLDER = ROOT / "tests/data/circuits"
SECONDS = 1.0
MEMORY = 1 << 30

MORE_2 = """OPENQASM 2.0;
include "qelib1.inc";
opaque black(a, b) q, r;
gate mine(x, y) q, r { barrier q, r; rx(-x^2 + sin(y) / 3e-1) q; cx q, r; U(x, y, pi) r; }
qreg q[5]; qreg other[1];
creg c[5];
mine(0.5, -1.5e2 * (2 - ln(3))) q[0], q[1];
if (c == 3) mine(1, 2) q[2], other[0];
h q; barrier q, other; reset q; measure q -> c;
"""
MORE_3 = """OPENQASM 3.1;
include "stdgates.inc";
input float[64] theta;
gate mine(x, y) q, r { rx(x) q; cx q, r; ctrl @ inv @ ry(y / 2) r, q; }
qubit[4] q; qubit one;
bit[4] c; bit flag = measure one;
let some = q[0:2] ++ q[3:3];
mine(0.5, -1.5e2 * (2 - pi)) q[0], q[1];
ctrl(2) @ pow(2) @ negctrl @ x q[0], q[1], q[2], one;
for uint i in [0:2:6] { rx(i * theta) some; if (flag) { break; } }
for int j in {1, 5, 0x1F} { rz(j) q[3]; continue; }
while (!flag) { h one; flag = measure one; }
if (c == 0b101) { x q; } else { box { delay[20ns] q; } }
barrier q; reset one; gphase(0.1); c = measure q;
"""


def qpy_files() -> list[bytes]:
    """QPY of circuits with all kinds of instructions, in the oldest and the newest version."""
    inner = QuantumCircuit(2, name="inner")
    inner.h(0)
    inner.append(UnitaryGate(random_unitary(4, seed=1)), [0, 1])
    whole = QuantumCircuit(4, 3, name="whole", metadata={"a": [1, 2]})
    theta = Parameter("theta")
    whole.rx(2 * theta + 1, 0)
    whole.append(inner.to_gate().control(1), [0, 1, 2])
    whole.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZI"]), time=0.3), [1, 2])
    whole.append(QFTGate(3), [0, 1, 2])
    whole.initialize([0.6, 0.8], 3)
    whole.measure([0, 1], [0, 1])
    with whole.if_test((whole.clbits[0], 1)) as else_:
        whole.x(2)
    with else_, whole.for_loop(range(3)):
        whole.delay(10, 1, "ns")
    count = whole.add_var("count", expr.lift(3, types.Uint(8)))
    with whole.while_loop(expr.less(count, 5)):
        whole.store(count, expr.add(count, 1))
        whole.break_loop()
    with whole.switch(whole.cregs[0]) as case, case(1, 2):
        whole.reset(0)
    bell = QuantumCircuit(2, 2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure([0, 1], [0, 1])
    files = []
    for version in (qpy.QPY_COMPATIBILITY_VERSION, qpy.common.QPY_VERSION):
        for circuits in ([bell], [whole], [bell, whole]):
            stream = io.BytesIO()
            qpy.dump(circuits, stream, version=version)
            files.append(stream.getvalue())
    return files


def sound_files(kind: str) -> list[bytes]:
    """The files of a format that the mutations begin with."""
    if kind == "qpy":
        return qpy_files()
    texts = [path.read_text() for path in sorted(FOLDER.glob("*.qasm"))]
    version = kind[-1]
    return [text.encode() for text in [*texts, MORE_2, MORE_3] if f"OPENQASM {version}" in text]


_TOKEN = re.compile(rb"\w+|\s+|[^\w\s]")
_NUMBER = re.compile(rb"\d+")
_LARGE = (
    *(b"0", b"-1", b"99999999", b"4294967295", b"4294967296", b"18446744073709551616"),
    *(b"9" * 40, b"1" * 5000, b"1e999", b"0.5", b"1000000"),
)
_HOSTILE = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\x1b[31m", "\u202e".encode(), b"\\", b'"', b"//"),
    *(b"/*", b"*/", b"((((", b"))))", b"{", b"}", b";", b"[", b"]", b"@", b"ctrl @ ", b"pow(9) @ "),
    *(b"inv @ ", b'include "../x";', b'include "/etc/passwd";', b"gate ", b"qreg ", b"-" * 200),
)


def mutated(files: list[bytes], seed: int) -> bytes:
    """One of the files, with one to six changes."""
    rng = random.Random(seed)
    content = rng.choice(files)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(content) + 1)
        end = min(len(content), place + rng.choice((1, 4, 8, 30, 200)))
        match rng.randrange(9):
            case 0:  # other bytes
                content = content[:place] + rng.randbytes(rng.randint(1, 4)) + content[place + 1 :]
            case 1:
                content = content[:place]
            case 2:  # a part left out
                content = content[:place] + content[end:]
            case 3:  # a part repeated
                content = content[:place] + content[place:end] * rng.randint(2, 40) + content[end:]
            case 4:  # a part of another file
                other = rng.choice(files)
                start = rng.randrange(len(other))
                part = other[start : start + rng.choice((8, 60, 400))]
                content = content[:place] + part + content[place:]
            case 5:  # two tokens swapped
                tokens = _TOKEN.findall(content)
                if len(tokens) > 1:
                    one, two = rng.randrange(len(tokens)), rng.randrange(len(tokens))
                    tokens[one], tokens[two] = tokens[two], tokens[one]
                    content = b"".join(tokens)
            case 6:  # another number
                if numbers := list(_NUMBER.finditer(content)):
                    found = rng.choice(numbers)
                    content = content[: found.start()] + rng.choice(_LARGE) + content[found.end() :]
            case 7:
                content = content[:place] + rng.choice(_HOSTILE) + content[place:]
            case 8:  # a size of QPY
                size = rng.choice((0, 1, 255, 65535, 2**24, 2**31 - 1, 2**32 - 1, 2**63 - 1))
                width = 8 if size >= 2**32 else 4
                content = content[:place] + size.to_bytes(width, "big") + content[place + width :]
    return content


def problem_of(path: Path) -> str:
    """What reading and lowering a file came to; empty where it ended as it should."""
    start = time.process_time()
    try:
        for circuit in load_circuits(path):
            seconds = time.process_time() - start
            if seconds > SECONDS:
                return f"{seconds:.2f} s"
            lower(circuit)
    except CircuitFileError as error:
        text = str(error)
        if not (text.startswith(str(path)) and text.isprintable() and len(text) <= 1100):
            return f"an unclear error: {text!r}"
    except SimquayError:  # of the lowering
        pass
    except BaseException as error:  # noqa: BLE001  # a panic of Rust code is no Exception
        return f"{type(error).__name__}: {error}"
    return ""


def main(kind: str, first: int, count: int, folder: Path) -> None:
    """Read mutated files with the seeds from ``first``; print those that do not end well."""
    warnings.simplefilter("ignore")  # QPY of a later Qiskit
    files = sound_files(kind)
    path = folder / f"fuzzed-{first}.{kind}"
    for content in files:  # what is imported and made once
        path.write_bytes(content)
        load_circuits(path)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for seed in range(first, first + count):
        print(f"seed {seed}", flush=True)  # the last line, where the process ends
        path.write_bytes(mutated(files, seed))
        faulthandler.dump_traceback_later(60, exit=True)
        if problem := problem_of(path):
            print(f"BROKEN {kind} {seed}: {problem[:300]!r}", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
