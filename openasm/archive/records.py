"""Frozen dataclasses back from the JSON that `dataclasses.asdict` gave: every field checked against its type."""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

_Kind = TypeVar("_Kind")


def typed_record(kind: type[_Kind], record: Any) -> _Kind:
    """A record as the dataclass that wrote it; TypeError or KeyError where it does not fit. Further keys are ignored.

    >>> from openasm.archive.comparison import RunNamed
    >>> typed_record(RunNamed, {"name": "June", "year": 2027, "version": "1", "ended": ""}).name
    'June'
    """
    if not isinstance(record, dict):
        raise TypeError(f"{kind.__name__} is not a mapping")
    return kind(
        **{name: _value(hint, record[name], name) for name, hint in _fields(typing.cast("Hashable", kind)).items()}
    )


@functools.cache
def _fields(kind: Any) -> Mapping[str, Any]:
    """Names and types of a dataclass's fields: looked up once, as thousands of records are of one kind."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(hint: Any, value: Any, name: str) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in typing.get_args(hint) if each is not type(None))
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{name} is not a list")
        return tuple(_value(typing.get_args(hint)[0], each, name) for each in value)
    if is_dataclass(hint):
        return typed_record(typing.cast("type[Any]", hint), value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if (hint is str and isinstance(value, str)) or (hint is bool and isinstance(value, bool)):
        return value
    raise TypeError(f"{name} is not of its type")
