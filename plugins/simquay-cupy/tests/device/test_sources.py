"""The kernels' source is one text."""

from __future__ import annotations

from host_device import host_source

from simquay_cupy.device.sources import kernel_source, with_headers


def test_a_source_is_one_text_without_local_headers() -> None:
    for text in (kernel_source(), host_source()):
        assert '#include "' not in text
        assert "#pragma once" not in text
        assert text.count("struct Registers {") == 1


def test_a_header_stands_where_it_is_first_included() -> None:
    text = with_headers('int before;\n#include "opcodes.cuh"\n#include "opcodes.cuh"\nint after;\n')
    assert text.startswith("int before;\n")
    assert text.endswith("int after;\n")
    assert text.count("#define QS_HEADER ") == 1
