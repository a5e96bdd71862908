"""The places where a mutant can be made, and a sample of them."""

from __future__ import annotations

import ast
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from operators import OWN  # type: ignore[import-not-found]  # beside this script

ROOT = Path(__file__).parents[2]
cosmic_ray.plugins.OPERATOR_PROVIDERS["archbench"] = OWN


@dataclass(frozen=True)
class Place:
    """A place at which an operator can change a module.

    Args:
        room: the room that the module belongs to.
        module: path of the module below the root.
        operator: name of the operator.
        occurrence: index of the place among those where the operator applies to the module.
        line: the line that changes.
    """

    room: str
    module: str
    operator: str
    occurrence: int
    line: int


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Args:
        place: where the change is.
        source: the whole module with it.
        change: the lines that differ, the old ones with `-` and the new ones with `+`.
    """

    place: Place
    source: str
    change: str


def sample(rooms: Mapping[str, Sequence[str]], count: int, draw: random.Random) -> list[Mutant]:
    """Return `count` mutants: the modules take turns, and each gives one line that was not taken before.

    Args:
        rooms: the patterns of each room's modules, below the root.
        count: number of mutants; fewer are returned if there are no more lines.
        draw: what chooses the lines.
    """
    places = {
        path: places_by_line(room, path.relative_to(ROOT).as_posix(), draw)
        for room, patterns in rooms.items()
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
    }
    known = equivalent()
    chosen: list[Mutant] = []
    while len(chosen) < count and any(places.values()):
        for waiting in places.values():
            if waiting and (mutant := make(draw.choice(waiting.pop()), known)):
                chosen.append(mutant)
    return chosen[:count]


def places_by_line(room: str, module: str, draw: random.Random) -> list[list[Place]]:
    """Return the places in each line of a module, the lines in a random order."""
    lines: dict[int, list[Place]] = {}
    for place in possible(room, module):
        lines.setdefault(place.line, []).append(place)
    shuffled = list(lines.values())
    draw.shuffle(shuffled)
    return shuffled


def make(place: Place, known: set[str]) -> Mutant | None:
    """Return the mutant of a place; None if it is not Python, or known to change no result."""
    before = (ROOT / place.module).read_text()
    after = str(mutate_code(before, cosmic_ray.plugins.get_operator(place.operator)(), place.occurrence) or before)
    try:
        ast.parse(after)
    except SyntaxError:
        return None  # noticed without any test
    change = changed_lines(before, after)
    return None if change in {"", *known} else Mutant(place, after, change)


def changed_lines(before: str, after: str) -> str:
    """Return the lines that differ, the old ones with `-` and the new ones with `+`."""
    old, new = before.splitlines(), after.splitlines()
    gone = [f"-{line.strip()}" for line in old if line not in new]
    come = [f"+{line.strip()}" for line in new if line not in old]
    return "\n".join(gone + come)


def possible(room: str, module: str) -> Iterator[Place]:
    """Yield all places of a module whose mutants change what it does: not its annotations, decorators and imports."""
    source = (ROOT / module).read_text()
    silent, lines, nodes = SilentPlaces(source), source.splitlines(), list(ast_nodes(get_ast(source)))
    for name in operators():
        operator = cosmic_ray.plugins.get_operator(name)
        positions = (place for node in nodes for place in operator().mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            marker = lines[start[0] - 1][start[1] : start[1] + 2] == "*,"  # the arguments after it are named
            if start not in silent and not marker:
                yield Place(room, module, name, occurrence, start[0])


def operators() -> list[str]:
    """Return the operators in use: mistakes that people make, and none that only raises a TypeError at once."""
    twins = [
        ("Add", "Sub"),
        ("Mul", "Div"),
        ("FloorDiv", "Mul"),
        ("Mod", "FloorDiv"),
        ("Pow", "Mul"),
        ("BitOr", "BitAnd"),
    ]
    binary = {f"core/ReplaceBinaryOperator_{a}_{b}" for pair in twins for a, b in (pair, pair[::-1])}
    rest = ("core/ReplaceBinaryOperator_", "core/RemoveDecorator", "core/ExceptionReplacer", "core/Variable")
    identities = tuple(f"core/ReplaceComparisonOperator_{kind}" for kind in ("Is_", "IsNot_", "In_", "NotIn_"))
    known = cosmic_ray.plugins.operator_names()
    plain = [name for name in known if not name.startswith(rest + identities) and not name.endswith(("_Is", "_IsNot"))]
    return sorted({*plain, *binary.intersection(known)})


class SilentPlaces:
    """The places in which a mutant changes nothing.

    These are annotations, decorators, `if TYPE_CHECKING` blocks, `frozen` and `kw_only` in the head of a class, and
    `strict` of zip, which only asserts.
    """

    def __init__(self, source: str) -> None:
        self.spans: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for node in ast.walk(ast.parse(source)):
            quiet: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
            quiet += getattr(node, "decorator_list", [])
            if isinstance(node, ast.ClassDef | ast.Call):
                quiet += [word.value for word in node.keywords if word.arg in ("frozen", "kw_only", "strict")]
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                quiet.append(node)
            for part in quiet:
                if part is not None:
                    end = (part.end_lineno or 0, part.end_col_offset or 0)  # type: ignore[attr-defined]
                    self.spans.append(((part.lineno, part.col_offset), end))  # type: ignore[attr-defined]

    def __contains__(self, place: tuple[int, int]) -> bool:
        return any(start <= place < end for start, end in self.spans)


def equivalent() -> set[str]:
    """Return the changes that are known to change no result."""
    path = Path(__file__).with_name("equivalent.toml")
    return {entry["change"].strip() for entry in tomllib.loads(path.read_text())["mutant"]}
