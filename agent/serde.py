"""How the state of a thread is stored: msgpack, and the dataclasses of an allow-list by their names.

LangGraph's own serialiser imports what the stored bytes name and gives tuples back as lists. Here bytes from a database
can only become the types below, each field as it was, and a resumed run cannot be told from one that never stopped.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import ormsgpack
from langgraph.types import Overwrite

from agent.cite import Cited
from agent.drafts import Written
from agent.signals import Signals
from agent.state import Spent, Turn
from agent.write import Draft
from hopcite import types
from hopcite.errors import OperatorError

_NOUNS = [kind for kind in vars(types).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
_TYPES: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (*_NOUNS, Cited, Draft, Signals, Spent, Turn, Written, Overwrite)
}
_NAME_OF = {kind: name for name, kind in _TYPES.items()}
_FORMAT = "hopcite-1"
_FOREIGN = (
    "A stored thread was not written by this version of Hopcite; move threads.sqlite out of the data folder, or name "
    "another database in threads.url."
)
_TUPLE, _DATACLASS = 1, 2
_OPTIONS = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_REPLACE_SURROGATES
    | ormsgpack.OPT_SERIALIZE_NUMPY  # scores come from torch and numpy
)


class StateSerializer:
    """LangGraph's `SerializerProtocol`. Raises `OperatorError` for bytes that this version did not write."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The format's name and the bytes. A type that is not on the list is a mistake in the code: `TypeError`."""
        return _FORMAT, _packed(obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value, equal to what was stored."""
        kind, packed = data
        if kind != _FORMAT:
            raise OperatorError(_FOREIGN)
        try:
            return _unpacked(packed)
        except (KeyError, TypeError, ValueError) as exc:
            raise OperatorError(_FOREIGN) from exc


def _packed(value: object) -> bytes:
    return ormsgpack.packb(value, default=_encoded, option=_OPTIONS)


def _unpacked(packed: bytes) -> Any:
    return ormsgpack.unpackb(packed, ext_hook=_decoded, option=ormsgpack.OPT_NON_STR_KEYS)


def _encoded(value: object) -> ormsgpack.Ext | str:
    if isinstance(value, tuple):
        return ormsgpack.Ext(_TUPLE, _packed(list(value)))
    if isinstance(value, BaseException):  # LangGraph notes why a node failed; nothing reads it
        return repr(value)
    name = _NAME_OF.get(type(value))
    if name is None or not dataclasses.is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is not among the types that a thread stores")
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return ormsgpack.Ext(_DATACLASS, _packed([name, fields]))


def _decoded(code: int, packed: bytes) -> object:
    if code == _TUPLE:
        return tuple(_unpacked(packed))
    name, fields = _unpacked(packed)
    return _TYPES[name](**fields)
