"""QPY from anybody: sizes that are not there, and expressions that would run code."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qpy

from simquay.circuits.readers.binary import read
from simquay.errors import CircuitFileError

FILE = Path("a.qpy")


def written() -> bytes:
    circuit = QuantumCircuit(2, 2, name="nm", metadata={"note": "text"})
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    stream = io.BytesIO()
    qpy.dump(circuit, stream)
    return stream.getvalue()


def test_every_size_may_be_wrong(capfd):
    """Qiskit's reader alone ends the process, or takes the memory, of some of these."""
    whole = written()
    assert [circuit.name for circuit in read(FILE, whole)] == ["nm"]
    refusals = []
    for place in range(len(b"QISKIT") + 5, len(whole) - 8, 9):
        for size in (2**48, 2**63 - 1):
            content = bytearray(whole)
            content[place : place + 8] = size.to_bytes(8, "big")
            try:
                read(FILE, bytes(content))
            except CircuitFileError as error:
                refusals.append(str(error))
    assert len(refusals) > 20
    assert all(text.isprintable() for text in refusals)
    assert capfd.readouterr() == ("", "")


def test_as_many_qubits_as_there_are_numbers():
    whole = written()
    place = whole.index(b"\0\0\0\2\0\0\0\2")  # the numbers of qubits and bits
    content = whole[:place] + b"\xff" * 8 + whole[place + 8 :]
    with pytest.raises(CircuitFileError, match="memory"):
        read(FILE, content)


@pytest.mark.parametrize("nested", [False, True])
def test_control_flow_that_qiskit_checks_when_it_is_asked_for(nested):
    circuit = QuantumCircuit(1, 3)
    with circuit.switch(circuit.cregs[0]) as case, case(6):
        circuit.x(0)
    if nested:
        outer = QuantumCircuit(circuit.qubits, *circuit.cregs)
        outer.if_test((outer.clbits[0], 1), circuit, outer.qubits, outer.clbits)
        circuit = outer
    stream = io.BytesIO()
    qpy.dump(circuit, stream, version=14)  # later versions write integers in another byte order
    content = stream.getvalue()
    assert len(read(FILE, content)) == 1
    small, large = (number.to_bytes(8, "little") for number in (6, 600))
    assert content.count(small) == 1
    with pytest.raises(CircuitFileError, match="case 600 is larger"):
        read(FILE, content.replace(small, large))


@pytest.mark.parametrize("version", [10, 11, 12])
def test_expressions_of_symengine(version):
    content = b"QISKIT" + bytes([version, 1, 0, 0]) + (1).to_bytes(8, "big") + b"e" + b"q"
    with pytest.raises(CircuitFileError, match="symengine's form, which can run code"):
        read(FILE, content)


def test_no_process_can_be_started(monkeypatch):
    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", fork)
    with pytest.raises(CircuitFileError, match="another process"):
        read(FILE, written())
