"""Stages → templates: the instructions that a stage's bits and form determine, made once and kept.

A plan has the same few kinds of stages on the same few bits again and again. Everything that does
not depend on a matrix's entries is kept here, ready to be joined with others: the instructions, and
how their coefficients are made of the stage's numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ALWAYS, Condition, DenseStage, mask_of, spread
from simquay_numba.assembly.geometry import (
    block_distances,
    block_groups,
    local_offsets,
    matrix_codes,
    permutation_codes,
    prepare_codes,
)
from simquay_numba.assembly.template import (
    Shape,
    Template,
    fill_bytes,
    instruction,
    kept,
    room,
)
from simquay_numba.buffers import address
from simquay_numba.kernels.blocks import FLIP_VARIANTS, SWAP_VARIANTS
from simquay_numba.kernels.matrices import (
    AFFINE,
    COMPLEX,
    DENSE_VARIANTS,
    LAYER_VARIANTS,
    REAL,
    RX_LIKE,
)
from simquay_numba.kernels.packing import WANTED
from simquay_numba.kernels.run import (
    BLOCK_BYTES,
    FLIP,
    GENERAL,
    GENERAL_DENSE,
    GENERAL_PERMUTE,
    GENERAL_PREPARE,
    MATRICES,
    SWAP,
    WIDE,
)

__all__ = [
    "FORMS",
    "dense",
    "flip_of",
    "form_of",
    "lane_layer",
    "narrowed",
    "permute",
    "prepare",
    "swap",
]

FORMS = {"complex": COMPLEX, "real": REAL, "rx_like": RX_LIKE, "hadamard": REAL}

_DENSE = {variant: number for number, variant in enumerate(DENSE_VARIANTS)}
_LANES = {form: n for n, (_, lanes, form) in enumerate(LAYER_VARIANTS, len(_DENSE)) if lanes}
_FLIP = {variant: number for number, variant in enumerate(FLIP_VARIANTS)}
_SWAP = {variant: number for number, variant in enumerate(SWAP_VARIANTS)}

_X = np.array([1, 0], dtype=np.intp).tobytes()

_KEPT = 4096
"""The most templates of a kind that are kept; most have some hundred bytes beside shared lists."""


def _trip(
    shape: Shape,
    variant: int,
    high: tuple[int, ...],
    wanted: int,
    where: Condition,
) -> tuple[bytes, NDArray[np.int32]]:
    """An instruction for ``wanted`` matrices, and its index list.

    It runs over groups of blocks that differ in the bits ``high`` of their numbers.
    """
    _, _, mask, value = shape.split(where)
    groups = block_groups(shape, high, mask, value)
    distances = [*map(shape.distance, high)] + [0] * (3 - len(high))
    words = (MATRICES, variant, len(groups), address(groups), *distances)
    return instruction(*words, WANTED + wanted, where=where), groups


# Matrices.


def form_of(stage: DenseStage, lanes: int) -> int:
    """The form in which :func:`dense` applies a stage."""
    if stage.affine and len(stage.bits) <= 2 and stage.bits[0] >= lanes:
        return AFFINE
    return FORMS[stage.form]


def narrowed(
    shape: Shape, bits: tuple[int, ...], form: int, where: Condition, zero: int
) -> Condition:
    """The condition under which a dense stage must be applied, given that amplitudes are 0 wherever
    one of the high bits ``zero`` is 1.

    It is narrower than ``where`` if the stage has a kernel for its lanes; otherwise its lanes move
    to other high bits, and it stays.
    """
    zero &= ~(mask_of(bits) | where.local_mask)
    lanes = tuple([bit for bit in bits if bit < shape.lanes])
    if not zero or (len(bits) - len(lanes), lanes, form) not in _DENSE:
        return where
    return where._replace(local_mask=where.local_mask | zero)


@kept(_KEPT)
def dense(shape: Shape, bits: tuple[int, ...], form: int, where: Condition) -> Template:
    """A dense stage. Its source is the matrix, in the template's order."""
    lanes = tuple([bit for bit in bits if bit < shape.lanes])
    high = tuple([bit - shape.lanes for bit in bits if bit >= shape.lanes])
    seen = mask_of(bits) | where.local_mask
    if (len(high), lanes, form) in _DENSE:
        return _matrix(shape, lanes, high, form, where, seen)
    # Lanes are exchanged with high bits that the stage does not depend on, and back afterwards.
    lane_mask, _, high_mask, _ = shape.split(where)
    taken = high_mask | mask_of(high)
    free = [bit for bit in range(shape.high) if not taken >> bit & 1][: len(lanes)]
    if len(free) < len(lanes) or (len(bits) > 3 and lane_mask):
        fill = fill_bytes(0, 2 << 2 * len(bits), 0, 2 << 2 * len(bits))
        return _general(shape, GENERAL_DENSE, bits, where, WANTED + 1, fill, 2 << 2 * len(bits))
    moved = {lane: bit + shape.lanes for lane, bit in zip(lanes, free, strict=True)}
    old = [moved.get(bit, bit) for bit in bits]
    places = sorted(old)
    order = spread([old.index(bit) for bit in places])
    inside = tuple([bit - shape.lanes for bit in places])
    if len(bits) == 3:
        middle = _matrix(shape, (), inside, form, where, seen)
    else:
        middle = _wide(shape, inside, where)
    code, keep = middle.code, middle.keep
    if lanes:
        exchange = swap(shape, lanes, tuple(free))
        code = exchange.code + code + exchange.code
        keep = (*keep, *exchange.keep)
    return middle._replace(code=code, keep=keep, seen=seen, order=order)


def _matrix(
    shape: Shape,
    lanes: tuple[int, ...],
    high: tuple[int, ...],
    form: int,
    where: Condition,
    seen: int,
) -> Template:
    mask, value, _, _ = shape.split(where)
    codes = matrix_codes(shape.width, lanes, len(high), mask, value, form == COMPLEX)
    code, groups = _trip(shape, _DENSE[len(high), lanes, form], high, 1, where)
    fill = fill_bytes(
        address(codes), len(codes), form == RX_LIKE, 2 << 2 * (len(high) + len(lanes))
    )
    return Template(code, seen, (groups, codes), fill, room(len(codes), shape.real_bytes))


def _wide(shape: Shape, bits: tuple[int, ...], where: Condition) -> Template:
    _, _, mask, value = shape.split(where)
    groups = block_groups(shape, bits, mask, value)
    places = block_distances(shape, bits)
    size = 1 << len(bits)
    lists = (address(groups), address(places))
    code = instruction(WIDE, size, len(groups), *lists, WANTED + 1, where=where)
    reals = 2 * size * size
    fill = fill_bytes(0, reals, 0, reals)
    taken = room(reals, shape.real_bytes)
    return Template(code, 0, (groups, places), fill, taken, BLOCK_BYTES * size)


def _general(
    shape: Shape,
    kind: int,
    bits: tuple[int, ...],
    where: Condition,
    numbers: int,
    fill: bytes = b"",
    reals: int = 0,
    keep: tuple[Any, ...] = (),
) -> Template:
    bases, places = local_offsets(shape, bits, where.local_mask, where.local_value)
    lists = (address(bases), address(places))
    code = instruction(GENERAL, kind, len(bits), len(bases), *lists, numbers, where=where)
    seen = mask_of(bits) | where.local_mask
    taken = room(reals, shape.real_bytes)
    scratch = 2 * shape.real_bytes << len(bits)
    return Template(code, seen, (bases, places, *keep), fill, taken, scratch)


@kept(_KEPT)
def lane_layer(shape: Shape, form: int, lanes: tuple[int, ...], zero: int = 0) -> Template:
    """One-qubit matrices of one form on lanes, ascending; their sources are in this order.

    ``zero`` is a mask of high bits: where one of them is 1, all amplitudes are 0 so far.
    """
    where = Condition(zero)
    if len(lanes) == 1:
        return _matrix(shape, lanes, (), form, where, 0)
    taken, fills, keep = 0, [], []
    for lane in range(shape.lanes):
        codes = matrix_codes(shape.width, (lane,), 0, 0, 0, form == COMPLEX)
        given = lane in lanes
        if not given:
            codes = permutation_codes(codes, np.arange(2))
        fills.append(fill_bytes(address(codes), len(codes), form == RX_LIKE, 8 * given))
        taken += room(len(codes), shape.real_bytes)
        keep.append(codes)
    code, groups = _trip(shape, _LANES[form], (), shape.lanes, where)
    return Template(code, mask_of(lanes), (groups, *keep), b"".join(fills), taken)


# Permutations and preparations.


@kept(_KEPT)
def swap(shape: Shape, lanes: tuple[int, ...], high: tuple[int, ...]) -> Template:
    """An exchange of lanes, ascending, with as many bits ``high`` of the block's number."""
    groups = block_groups(shape, high, 0, 0)
    distances = map(shape.distance, high)
    code = instruction(SWAP, _SWAP[lanes], len(groups), address(groups), *distances)
    seen = mask_of(lanes) | mask_of(high) << shape.lanes
    return Template(code, seen, (groups,))


def flip_of(
    shape: Shape, bits: tuple[int, ...], source: bytes, where: Condition
) -> tuple[int, int, int] | None:
    """The attribute ``flip`` of :func:`permute`'s template."""
    lane_mask, _, mask, value = shape.split(where)
    if source != _X or bits[0] < shape.lanes or lane_mask or where.outer_mask:
        return None
    return bits[0] - shape.lanes, mask, value


@kept(_KEPT)
def permute(shape: Shape, bits: tuple[int, ...], source: bytes, where: Condition) -> Template:
    """A permutation; ``source`` has the bytes of the stage's table. No fill reads numbers."""
    table = np.frombuffer(source, dtype=np.intp)
    seen = mask_of(bits) | where.local_mask
    lane_mask, lane_value, mask, value = shape.split(where)
    if source == _X and lane_mask == lane_value:
        controls = [lane for lane in range(shape.lanes) if lane_mask >> lane & 1]
        if len(controls) < 2:
            high = bits[0] - shape.lanes
            variant = _FLIP[bits[0] if high < 0 else None, controls[0] if controls else None]
            groups = block_groups(shape, (high,) if high >= 0 else (), mask, value)
            distance = shape.distance(high) if high >= 0 else 0
            words = (FLIP, variant, len(groups), address(groups), distance)
            flip = flip_of(shape, bits, source, where)
            return Template(instruction(*words, where=where), seen, (groups,), flip=flip)
    if len(bits) > 2:
        numbers = table.astype(np.int32)
        given = address(numbers)
        return _general(shape, GENERAL_PERMUTE, bits, where, given, keep=(numbers,))
    # As a matrix, whose entries are known now.
    template = dense(shape, bits, REAL, where)
    lanes = tuple([bit for bit in bits if bit < shape.lanes])
    kernel = (shape.width, lanes, len(bits) - len(lanes))
    codes = permutation_codes(matrix_codes(*kernel, *shape.split(where)[:2], False), table)
    fill = fill_bytes(address(codes), len(codes), 0, 0)
    return template._replace(fills=fill, keep=(*template.keep, codes))


@kept(_KEPT)
def prepare(shape: Shape, bits: tuple[int, ...]) -> Template:
    """A preparation; its source is the array of amplitudes."""
    if len(bits) > 2:
        reals = 2 << len(bits)
        fill = fill_bytes(0, reals, 0, reals)
        return _general(shape, GENERAL_PREPARE, bits, ALWAYS, WANTED + 1, fill, reals)
    template = dense(shape, bits, COMPLEX, ALWAYS)
    lanes = tuple([bit for bit in bits if bit < shape.lanes])
    codes = prepare_codes(
        matrix_codes(shape.width, lanes, len(bits) - len(lanes), 0, 0, True), 1 << len(bits)
    )
    fill = fill_bytes(address(codes), len(codes), 0, 2 << len(bits))
    return template._replace(fills=fill, keep=(*template.keep, codes))
