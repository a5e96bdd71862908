"""The options of a declaration: their names, and the conversion of written values to typed ones."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec


class Declared(Protocol):
    """The fields that architectures, tasks and readers share."""

    @property
    def name(self) -> str:
        """The name that users type."""

    @property
    def options(self) -> type | None:
        """The class of its options."""

    @property
    def variants(self) -> Mapping[str, Mapping[str, Any]]:
        """Named settings of the options."""

    @property
    def revision(self) -> int:
        """A number that is raised when results change."""

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Checks that fail by design, with the reasons."""


def convert_options(declared: Declared, values: Mapping[str, Any]) -> Any:
    """Turn option values, typed or as text, into the declared options class.

    Raises:
        msgspec.ValidationError: a value has the wrong type or breaks a rule of the class.
    """
    if declared.options is None:
        if values:
            raise msgspec.ValidationError(f"{declared.name} has no options")
        return None
    options: Any = msgspec.convert(dict(values), declared.options, strict=False)
    given = dataclasses.asdict(options)
    _check_finite(given)
    # Convert again with every value given: a default of 1 in a float field becomes 1.0, as if the user had set it.
    return msgspec.convert(given, declared.options)


def _check_finite(options: Mapping[str, Any]) -> None:
    """Raise for an option that is infinite or not a number: trials pass options on as JSON, which has neither."""
    for name, value in options.items():
        odd = next((number for number in _numbers(value) if not math.isfinite(number)), None)
        if odd is not None:
            raise msgspec.ValidationError(f"give a finite number, not {odd} - at `$.{name}`")


def _numbers(value: Any) -> Iterator[float]:
    """Yield the floating-point numbers in a value, itself or in what it holds."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        yield from _numbers(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from _numbers(part)


def listed_options(declared: Declared) -> set[str]:
    """Return the names of the options that hold several values: of type `tuple[str, ...]`, or that or None."""
    hints = {} if declared.options is None else typing.get_type_hints(declared.options)
    return {name for name, hint in hints.items() if _is_tuple(hint) or any(map(_is_tuple, typing.get_args(hint)))}


def _is_tuple(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple


def option_names(declared: Declared) -> tuple[str, ...]:
    """Return the names of the options of a declaration, in the order of declaration."""
    return () if declared.options is None else tuple(f.name for f in dataclasses.fields(declared.options))
