"""Selectors: the texts by which people name architectures and tasks.

```
all                            everything that is registered; of architectures, what runs by default
resnet                         one name
resnet-56                      a named variant
resnet[depth=8,20]             options; several values make several entrants
lstm[width=32,64,layers=2]     several options make every combination
convnext[depths=2,2,6,2]       an option that holds several values takes them all
*net                           a shell pattern over names
archbench/resnet, archbench/resnet@1    with the provider, when two provide one name
```
"""

from __future__ import annotations

import fnmatch
import itertools
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from archbench._declarations import Architecture, Declared, Task, convert_options, listed_options, option_names
from archbench._errors import SelectionError, UnknownNameError, allowed_words, did_you_mean
from archbench._plugins import Registered
from archbench._records import Component, fits_utf8
from archbench._selection._components import make_component, make_label

Item = TypeVar("Item", Architecture, Task)

_SELECTOR = re.compile(r"(?P<name>[^\[\]\s=,]+)(?:\[(?P<options>[^\[\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Selected(Generic[Item]):
    """One architecture or task with its options settled.

    Args:
        registered: the declaration and where it came from.
        options: an instance of the declared options class, or None.
        component: the declaration and the options as plain data.
        named: the user wrote its name, not `all` or a pattern.
    """

    registered: Registered[Item]
    options: Any
    component: Component
    named: bool


def select(selectors: Sequence[str], available: Sequence[Registered[Item]], what: str) -> list[Selected[Item]]:
    """Return the items that the selectors name, each once, in the order in which they are named.

    Args:
        selectors: as in the docstring of this module.
        available: the registered items.
        what: `architecture` or `task`, for messages.

    Raises:
        SelectionError: a selector is malformed, matches nothing, is ambiguous, or sets a wrong option.
    """
    return distinct(found for selector in selectors for found in _select_one(selector, available, what))


def distinct(found: Iterable[Selected[Item]]) -> list[Selected[Item]]:
    """Return each item once, in the order of first mention; an item that was named at least once counts as named."""
    chosen: dict[str, Selected[Item]] = {}
    for item in found:
        key = msgspec.json.encode(item.component.identity(), order="deterministic").decode()
        if key not in chosen or item.named:
            chosen[key] = item
    return list(chosen.values())


def _select_one(selector: str, available: Sequence[Registered[Item]], what: str) -> list[Selected[Item]]:
    match = _SELECTOR.fullmatch(selector.strip())
    if match is None:
        raise SelectionError(f"{selector!r} is not a selector; {_describe_form(selector, what)}")
    name, settings = match["name"], parse_settings(selector, match["options"])
    found, preset = _match_name(name, available, what)
    if name == "all" and settings:
        raise SelectionError(f"{selector!r} sets options on everything; name the {what}s that you mean")
    named = name != "all" and not _is_pattern(name)
    return [
        _settle(registered, {**preset, **values}, selector, named=named, rivals=available)
        for registered in found
        for values in combinations(registered.item, settings)
    ]


def _describe_form(selector: str, what: str) -> str:
    """Return how selectors are written; for names with commas between them, how several are."""
    names = selector.split(",")
    if len(names) > 1 and all(re.fullmatch(r"[^\[\]\s=,]+", name.strip()) for name in names):
        options = " ".join(f"--task {name.strip()}" for name in names)
        return f"write {options}" if what == "task" else f"separate names by spaces: {' '.join(map(str.strip, names))}"
    return "write NAME, NAME[option=value,value], a pattern like '*net', or all"


def combinations(item: Declared, settings: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield every combination of the values of options; the values of an option that holds several stay together."""
    together = listed_options(item)
    choices = [[tuple(values)] if option in together else values for option, values in settings.items()]
    for chosen in itertools.product(*choices):
        yield dict(zip(settings, chosen, strict=True))


def parse_settings(selector: str, text: str | None) -> dict[str, list[str]]:
    """Return the values of each option in a text: `a=1,2,b=x` gives {a: [1, 2], b: [x]}.

    Raises:
        SelectionError: the text does not have this form.
    """
    settings: dict[str, list[str]] = {}
    if text is None:
        return settings
    if not fits_utf8(text):
        raise SelectionError(f"{selector!r} has options that are no valid UTF-8; write them in UTF-8")
    current = ""
    for piece in text.split(","):
        option, equals, value = piece.partition("=")
        if equals:
            current = option.strip()
            if current in settings:
                raise SelectionError(f"{selector!r} sets {current!r} twice; list the values once: {current}=1,2")
            settings[current] = []
        else:  # one more value of the option before it
            value = piece
        if not current or not value.strip():
            raise SelectionError(f"{selector!r} is not a selector: write the options as NAME[option=value,value]")
        settings[current].append(value.strip())
    return settings


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?")


def _match_name(
    name: str, available: Sequence[Registered[Item]], what: str
) -> tuple[list[Registered[Item]], Mapping[str, Any]]:
    if name == "all":
        if not available:
            raise UnknownNameError(f"no {what} is registered; see `benchmark plugins`")
        return list(available), {}
    if _is_pattern(name):
        found = [r for r in available if fnmatch.fnmatchcase(r.item.name, name)]
        if not found:
            raise UnknownNameError(f"the pattern {name!r} matches no {what}; there are {_names(available)}")
        return found, {}
    plain = [r for r in available if name in (r.item.name, r.canonical, r.canonical.rpartition("@")[0])]
    if plain:
        return [_unambiguous(name, plain)], {}
    provider, _, short = name.rpartition("/")
    variants = [r for r in available if short in r.item.variants and provider in ("", r.origin.distribution)]
    if variants:
        registered = _unambiguous(name, variants)
        return [registered], registered.item.variants[short]
    raise UnknownNameError(f"no {what} {name!r}; {_suggest(name, available)}")


def _unambiguous(name: str, found: Sequence[Registered[Item]]) -> Registered[Item]:
    if len(found) > 1:
        providers = " and ".join(
            f"{r.canonical} ({' '.join(filter(None, (r.origin.distribution, r.origin.version)))})" for r in found
        )
        raise SelectionError(f"{name!r} is ambiguous: {providers}; write the one that you mean in full")
    return found[0]


def _suggest(name: str, available: Sequence[Registered[Any]]) -> str:
    if name.endswith(".py"):
        return f"give a plugin in one file with --plugin {name}, and here the name that it registers"
    if variants := _describe_variants(name, available):
        return variants
    known = list(itertools.chain.from_iterable((r.item.name, *r.item.variants) for r in available))
    return did_you_mean(name, known, otherwise=f"there are {_names(available)}")


def _describe_variants(name: str, available: Sequence[Registered[Any]]) -> str:
    """Return which variants a known name has, for a name like one with another number; empty if this is not such."""
    stem, dash, number = name.rpartition("-")
    item = next((r.item for r in available if r.item.name == stem), None)
    if not (dash and number.isdigit() and item is not None and item.variants):
        return ""
    of_number = [values for variant, values in item.variants.items() if re.fullmatch(r".+-\d+", variant)]
    option = next((key for values in of_number if len(values) == 1 for key in values), "")
    ways = f"others are written '{stem}[{option}=...]', " if option else ""
    return f"{stem} has the variants {', '.join(item.variants)}; {ways}see `benchmark show {stem}`"


def _names(available: Iterable[Registered[Item]]) -> str:
    return ", ".join(sorted({r.item.name for r in available})) or "none"


def _settle(
    registered: Registered[Item],
    values: Mapping[str, Any],
    selector: str,
    *,
    named: bool,
    rivals: Sequence[Registered[Item]],
) -> Selected[Item]:
    options = settle_options(registered.item, values, selector)
    name = make_label(registered.item, options).partition("[")[0]
    ambiguous = len([rival for rival in rivals if name == rival.item.name or name in rival.item.variants]) > 1
    return Selected(registered, options, make_component(registered, options, ambiguous=ambiguous), named)


def settle_options(item: Declared, values: Mapping[str, Any], selector: str) -> Any:
    """Return the options of an item with these values: an instance of its options class, or None.

    Raises:
        SelectionError: the item has no such option, or a value does not fit.
    """
    known = option_names(item)
    for option in values:
        if option not in known:
            hint = did_you_mean(option, known, otherwise=f"it has {', '.join(known) or 'no options'}")
            raise SelectionError(f"{selector!r}: {item.name} has no option {option!r}; {hint}")
    try:
        return convert_options(item, values)
    except msgspec.ValidationError as error:
        fault = _describe_fault(item, values, str(error))
        raise SelectionError(f"{selector!r}: {fault}; see `benchmark show {item.name}`") from None


def _describe_fault(item: Declared, values: Mapping[str, Any], message: str) -> str:
    """Return a message of msgspec as option, value and what is allowed."""
    # msgspec has no structured errors: only its text names the option. If it does not, the text is passed on.
    found = re.fullmatch(r"(?P<fault>.*) - at `\$\.(?P<option>\w+)[^`]*`", message, re.DOTALL)
    if found is None:
        return message.replace("`$.", "`").replace(" - at `$`", "")
    option = found["option"]
    allowed = _choices(item, option) or allowed_words(found["fault"])
    value = values.get(option)
    given = ",".join(map(str, value)) if isinstance(value, tuple) else value
    return f"{option} is {given!r}; " + (f"give {allowed}" if allowed else found["fault"])


def _choices(item: Declared, option: str) -> str:
    """Return the allowed values of an option, if they can be listed."""
    hint = None if item.options is None else typing.get_type_hints(item.options).get(option)
    choices = ("true", "false") if hint is bool else typing.get_args(hint) if _is_literal(hint) else ()
    return f"one of {', '.join(map(str, choices))}" if choices else ""


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Literal
