"""Read the protocols that people write: a TOML file, checked strictly, that may extend a built-in protocol.

The identity of a protocol is its content, name and rules; the place of the file is no part of it.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from archbench._errors import ProtocolError, SelectionError, allowed_words, nearest
from archbench._protocols._builtin import find_protocol, protocols
from archbench._protocols._protocol import Precision, Protocol, equal_steps
from archbench._protocols._recipe import HOUSE_RECIPE, Optimizer, Recipe, Tuning

BUDGETS = ("steps", "epochs", "seconds")
TABLES = {"recipe": Recipe, "tuning": Tuning}
SET_BY_PROTOCOL = ("batch_size", "epochs", "steps", "additions")
"""Fields of a recipe that only an own recipe sets; a house recipe leaves the budget to its protocol."""
NOT_IN_FILES = ("revision", "probes", "for_studies", "provider")
"""Fields of a protocol that no file sets: the suite counts revisions, and studies declare their protocols in code."""


def get_protocol(text: str, further: Sequence[Protocol] = ()) -> Protocol:
    """Return the protocol that `--protocol` names: a built-in one, one of a plugin, or the one in a TOML file.

    Args:
        text: a name, or the path of a file.
        further: the protocols of plugins.

    Raises:
        SelectionError: there is no protocol of this name.
        ProtocolError: the file cannot be used; the message names the file and the key.
    """
    return read_protocol(Path(text)) if text.endswith(".toml") or "/" in text else find_protocol(text, further)


def read_protocol(path: Path) -> Protocol:
    """Return the protocol in a TOML file.

    Raises:
        ProtocolError: the file cannot be read, has an unknown key or a value that is not allowed, or is named like a
            built-in protocol.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProtocolError(f"cannot read the protocol file {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path} is not a TOML file: {error}") from None
    try:
        return _make_protocol(dict(content))
    except (ValueError, SelectionError) as error:  # msgspec's errors are ValueErrors too
        message = _rephrase(str(error), content)
        raise ProtocolError(f"{path}: {message}; see `benchmark show quick` for an example") from None


def _make_protocol(content: dict[str, Any]) -> Protocol:
    allowed = [name for name in Protocol.__struct_fields__ if name not in NOT_IN_FILES]
    _refuse_unknown(content, ["extends", *allowed], "")
    _check_name(content.get("name"))
    house = content.get("recipe", {})
    if house != "own" and not isinstance(house, dict):
        raise ValueError(f"recipe is {house!r}; give 'own', or a table of settings")
    _refuse_infinite(content, "")
    base = _inherited(content)
    _complete_tables(content, base)
    if type(content.get("steps")) is int:
        content["steps"] = equal_steps(content["steps"])
    protocol = msgspec.convert({**base, **content}, Protocol)
    if isinstance(protocol.recipe, Recipe):
        _refuse_without_effect(house, protocol.recipe)
    return protocol


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise ValueError(f"name is {name!r}; give it one, of lower-case letters, digits, '.', '_' and '-'")
    if name in [protocol.name for protocol in protocols()]:
        raise ValueError(f"name is {name!r}, which is built in; choose another, its results would not be comparable")


def _inherited(content: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the file inherits: those of the protocol it extends, without those it replaces whole."""
    extends = content.pop("extends", None)
    if extends is None:
        return {}
    if not isinstance(extends, str):
        raise ValueError(f"extends is {extends!r}; give the name of a built-in protocol")
    base: dict[str, Any] = msgspec.to_builtins(find_protocol(extends))
    for key in ("name", "revision", "summary"):
        del base[key]
    if any(budget in content for budget in BUDGETS):
        base.update(dict.fromkeys(BUDGETS))
    if content.get("recipe") == "own":
        base.update(batch_size=None, tuning=None)
    return base


def _complete_tables(content: dict[str, Any], base: Mapping[str, Any]) -> None:
    """Add the inherited settings to the tables that the file has."""
    for table, kind in TABLES.items():
        given = content.get(table)
        if isinstance(given, dict):
            fields = [field for field in kind.__struct_fields__ if kind is Tuning or field not in SET_BY_PROTOCOL]
            _refuse_unknown(given, fields, f"{table}.")
            content[table] = {**_kept(base.get(table), given, table), **given}


def _kept(before: Any, given: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return the settings that a table inherits; in `tuning`, `rates` and `trials` replace each other."""
    kept = dict(before) if isinstance(before, dict) else {}
    if table == "recipe" and not kept:
        kept = msgspec.to_builtins(HOUSE_RECIPE)
    if table == "tuning" and {"rates", "trials"} & given.keys():
        kept = {key: value for key, value in kept.items() if key == "seeds"}
    return kept


def _refuse_unknown(given: Iterable[str], allowed: list[str], prefix: str) -> None:
    for key in given:
        if key not in allowed:
            near = nearest(key, allowed)
            hint = f"did you mean {prefix + near!r}?" if near else f"allowed are {', '.join(sorted(allowed))}"
            raise ValueError(f"unknown key {prefix + key!r}; {hint}")


def _refuse_infinite(values: Mapping[str, Any], prefix: str) -> None:
    for key, value in values.items():
        if isinstance(value, dict):
            _refuse_infinite(value, f"{prefix}{key}.")
            continue
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
            raise ValueError(f"{prefix}{key} is {value}; give a finite number")


def _refuse_without_effect(given: Mapping[str, Any], recipe: Recipe) -> None:
    """Raise for a setting that would change the identity of the protocol, but not the training."""
    if "betas" in given and recipe.optimizer not in ("adam", "adamw"):
        raise ValueError(f"recipe.betas is {given['betas']}, and {recipe.optimizer} has none; leave it out")
    if "decay" in given and recipe.milestones is None:
        raise ValueError(f"recipe.decay is {given['decay']}, and there are no milestones; give recipe.milestones too")
    if given.get("warmup_rate") and not recipe.warmup:
        raise ValueError(f"recipe.warmup_rate is {given['warmup_rate']}, and warmup is 0; give a share above 0")


def _rephrase(message: str, content: dict[str, Any]) -> str:
    """Return a message of msgspec as key, value and what is allowed; leave our own messages as they are."""
    # msgspec has no structured errors: only its text names the key and the rule. Nothing but words for people depends
    # on it; a text of another form is passed on nearly as it is.
    found = re.fullmatch(r"(?P<fault>(?:Expected|Invalid) .*) - at `\$\.(?P<key>[^`]+)`", message)
    if found is None:
        return message.replace("`$.", "`").replace(" - at `$`", "")
    key, value = found["key"].removesuffix("[...]"), content
    for part in re.findall(r"\w+", key):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return f"{key} is {msgspec.json.encode(value).decode()}; give {_allowed(key, found['fault'])}"


def _allowed(key: str, fault: str) -> str:
    """Return the allowed values of a key in words, read from msgspec's text about the fault."""
    if key == "steps":
        return "a whole number >= 1, or a table of one each for image, sequence and tokens"
    names = get_args(Precision if key == "precision" else Optimizer)
    return allowed_words(fault) or f"one of {', '.join(names)}"
