"""Tables as streams of Arrow: its C data interface, by ctypes and without a package of Arrow.

A stream is one batch: a struct whose children are the columns. Consumers take the three structures over by copying
them; each holds in ``private_data`` a key to what it points to, which stays until its ``release`` is called.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["stream"]

_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
_NAME = b"arrow_array_stream"
_NULLABLE = 2


class _Schema(ctypes.Structure):
    format: Any
    name: Any
    metadata: Any
    flags: Any
    n_children: Any
    children: Any
    dictionary: Any
    release: Any
    private_data: Any


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", _RELEASE),
    ("private_data", ctypes.c_size_t),
]


class _Array(ctypes.Structure):
    length: Any
    null_count: Any
    offset: Any
    n_buffers: Any
    n_children: Any
    buffers: Any
    children: Any
    dictionary: Any
    release: Any
    private_data: Any


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", _RELEASE),
    ("private_data", ctypes.c_size_t),
]


class _Stream(ctypes.Structure):
    get_schema: Any
    get_next: Any
    get_last_error: Any
    release: Any
    private_data: Any
    _fields_ = [
        ("get_schema", _GET),
        ("get_next", _GET),
        ("get_last_error", _ERROR),
        ("release", _RELEASE),
        ("private_data", ctypes.c_size_t),
    ]


_kept: dict[int, Any] = {}
_keys = itertools.count(1)


def _keep(*things: Any) -> int:
    key = next(_keys)
    _kept[key] = things
    return key


def _released(kind: Any) -> Any:
    # names are bound here: a table may be the last thing that goes when the interpreter ends
    def release(at: int, kind: Any = kind, kept: dict[int, Any] = _kept, null: Any = _RELEASE) -> None:
        it = kind.from_address(at)
        for k in range(getattr(it, "n_children", 0)):
            child = it.children[k].contents
            if child.release:
                child.release(it.children[k])
        kept.pop(it.private_data, None)
        it.release = null()

    return _RELEASE(release)


_release_schema, _release_array, _release_stream = _released(_Schema), _released(_Array), _released(_Stream)


def _children(kind: Any, children: list[Any]) -> Any:
    return (ctypes.POINTER(kind) * len(children))(*(ctypes.pointer(child) for child in children))


def _fill_schema(it: Any, format: bytes, name: bytes, children: list[Any]) -> Any:
    pointers = _children(_Schema, children)
    it.format, it.name, it.flags, it.n_children = format, name, _NULLABLE, len(children)
    it.children = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(_Schema)))
    it.release, it.private_data = _release_schema, _keep(format, name, pointers, children)
    return it


def _fill_array(it: Any, length: int, nulls: int, buffers: list[NDArray[Any] | None], children: list[Any]) -> Any:
    pointers = _children(_Array, children)
    places = (ctypes.c_void_p * len(buffers))(*(None if b is None else b.ctypes.data for b in buffers))
    it.length, it.null_count, it.n_buffers, it.n_children = length, nulls, len(buffers), len(children)
    it.buffers = ctypes.cast(places, ctypes.POINTER(ctypes.c_void_p))
    it.children = ctypes.cast(pointers, ctypes.POINTER(ctypes.POINTER(_Array)))
    it.release, it.private_data = _release_array, _keep(places, buffers, pointers, children)
    return it


def _column(values: NDArray[Any]) -> tuple[bytes, int, list[NDArray[Any] | None]]:
    """The format of a column, how many of its values are missing, and its buffers, the first of which says which.

    >>> _column(np.array([1.0, 2.5]))
    (b'g', 0, [None, array([1. , 2.5])])
    >>> _column(np.array(["direct", "warp"]))[:2]
    (b'u', 0)
    >>> _column(np.array([True, None], dtype=object))
    (b'b', 1, [array([1], dtype=uint8), array([1], dtype=uint8)])
    """

    def bits(flags: Any) -> NDArray[np.uint8]:
        return np.packbits(np.asarray(flags, dtype=np.bool_), bitorder="little")

    kind = values.dtype.kind
    if kind == "f":
        return b"g", 0, [None, np.array(values, dtype=np.float64)]
    if kind in "iu":
        return b"l", 0, [None, np.array(values, dtype=np.int64)]
    if kind == "b":
        return b"b", 0, [None, bits(values)]
    known = [value is not None for value in values.tolist()]
    valid = None if all(known) else bits(known)
    missing = known.count(False)
    if kind == "O" and all(value is None or isinstance(value, bool) for value in values.tolist()):
        return b"b", missing, [valid, bits([bool(value) for value in values.tolist()])]
    texts = [b"" if value is None else str(value).encode() for value in values.tolist()]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    # a buffer has an address, even where every text is empty
    return b"u", missing, [valid, offsets, np.frombuffer(b"".join(texts) + b"\0", dtype=np.uint8)]


def _get_schema(at: int, out: int) -> int:
    names, columns, _, _ = _kept[_Stream.from_address(at).private_data]
    children = [_fill_schema(_Schema(), format, name, []) for name, (format, _, _) in zip(names, columns)]
    _fill_schema(_Schema.from_address(out), b"+s", b"", children)
    return 0


def _get_next(at: int, out: int) -> int:
    _, columns, rows, ended = _kept[_Stream.from_address(at).private_data]
    batch = _Array.from_address(out)
    if ended:
        batch.release = _RELEASE()
        return 0
    ended.append(True)
    children = [_fill_array(_Array(), rows, nulls, buffers, []) for _, nulls, buffers in columns]
    ctypes.memset(out, 0, ctypes.sizeof(_Array))
    _fill_array(batch, rows, 0, [None], children)
    return 0


_schema_of, _next_of, _error_of = _GET(_get_schema), _GET(_get_next), _ERROR(lambda at: None)

_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _drop(capsule: int, pointer: Any = _pointer, kind: Any = _Stream, kept: Any = _kept, name: bytes = _NAME) -> None:
    # by its address: a capsule that goes is no object to hold any more
    at = pointer(capsule, name)
    it = kind.from_address(at)
    if it.release:
        it.release(at)
    kept.pop(-at, None)


_dropped = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(_drop)


def stream(columns: Mapping[str, NDArray[Any]], rows: int) -> object:
    """A capsule with a stream of the columns, all of so many rows; numbers that are not defined stay not a number."""
    names = [name.encode() for name in columns]
    it = _Stream(_schema_of, _next_of, _error_of, _release_stream, 0)
    it.private_data = _keep(names, [_column(values) for values in columns.values()], rows, [])
    at = ctypes.addressof(it)
    _kept[-at] = it  # until its capsule goes
    capsule: object = _new(at, _NAME, ctypes.cast(_dropped, ctypes.c_void_p))
    return capsule
