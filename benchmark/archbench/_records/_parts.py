"""Decoding many records: what several of them have in common is decoded once, and is one object in all of them.

A record repeats its architecture, its task and its protocol, which are few in a folder. So a large folder is read in
half the time, needs little memory, and each of these objects computes its hash once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from archbench._protocols import Protocol, Recipe
from archbench._records._environment import Environment
from archbench._records._record import ArchitectureFacts, Curves, Origin, Pairing, Record, Training
from archbench._records._task_facts import TaskFacts
from archbench._records._trial import Component, Trial

_Forms = Mapping[str, Any]
_OF_TRIAL: _Forms = {"architecture": Component, "task": Component, "protocol": Protocol, "recipe": Recipe | None}
_OF_TRAINING: _Forms = {"recipe": Recipe, "track": str}
_OF_CURVES: _Forms = {"step": list[int]}
_OF_RECORD: _Forms = {
    "architecture_origin": Origin,
    "task_origin": Origin,
    "task_facts": TaskFacts,
    "architecture_facts": ArchitectureFacts,
    "pairing": Pairing | None,
    "environment": Environment | None,
    "manifests": dict[str, str],
}


class Parts:
    """The parts of the records that were decoded so far, each known by its bytes."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_raw_record())
        self._record, self._trial = _known(_OF_RECORD), _known(_OF_TRIAL)
        self._training, self._curves = _known(_OF_TRAINING), _known(_OF_CURVES)

    def decode(self, data: bytes | msgspec.Raw) -> Record:
        """Return the record in its bytes, with parts that were met before in the place of equal ones.

        Raises:
            ValueError: something in it is wrong; where that is, only decoding it as a whole can tell.
        """
        found = self._decoder.decode(data)
        fields = _decoded(found, self._record)
        fields["trial"] = Trial(**_decoded(found.trial, self._trial))
        if found.training is not None:
            fields["training"] = Training(**_decoded(found.training, self._training))
        if found.curves is not None:
            fields["curves"] = Curves(**_decoded(found.curves, self._curves))
        return Record(**fields)


class _Known(dict[bytes, Any]):
    """The values of a field by their bytes, each decoded when it is first met."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self._decoder = msgspec.json.Decoder(form)

    def __missing__(self, data: bytes) -> Any:
        value = self[data] = self._decoder.decode(data)
        return value


def _known(forms: _Forms) -> dict[str, _Known]:
    return {name: _Known(form) for name, form in forms.items()}


def _decoded(found: msgspec.Struct, parts: Mapping[str, _Known]) -> dict[str, Any]:
    """Return the fields of a struct, those of `parts` decoded."""
    fields = msgspec.structs.asdict(found)
    for name, known in parts.items():
        fields[name] = known[bytes(fields[name])]
    return fields


@cache
def _raw_record() -> type[Any]:
    """Return the form of a record whose parts are the bytes that stand in the file."""
    training, curves = _raw(Training, _OF_TRAINING), _raw(Curves, _OF_CURVES)
    nested = {"trial": _raw(Trial, _OF_TRIAL), "training": training | None, "curves": curves | None}
    return _raw(Record, _OF_RECORD, nested)


def _raw(form: type[msgspec.Struct], parts: _Forms, nested: _Forms | None = None) -> type[Any]:
    """Return a struct with the fields of another, some of them as bytes, and others with these types."""
    fields = []
    for field in msgspec.structs.fields(form):
        raw = field.name in parts
        kind = msgspec.Raw if raw else (nested or {}).get(field.name, field.type)
        fields.append((field.name, kind, _default_of(field, raw=raw)))
    return msgspec.defstruct(f"{form.__name__}AsBytes", fields, kw_only=True)


def _default_of(field: msgspec.structs.FieldInfo, *, raw: bool) -> Any:
    """Return what stands for a field that a file lacks."""
    if field.required:
        return msgspec.NODEFAULT
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return msgspec.Raw(msgspec.json.encode(value)) if raw else value
