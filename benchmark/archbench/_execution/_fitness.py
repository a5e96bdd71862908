"""The fitness of a node for a run: it must have the code and the files that the machine has that planned the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from archbench._plugins import PluginSource
from archbench._plugins._sources import content_of, fingerprint_of_file

LIBRARIES = ("torch", "lightning", "numpy")
"""Libraries whose releases decide the last bits of a score; seeds of several releases share no mean."""

_ADVICE = "install the same on every node"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin, or the suite itself, as the planning machine has it.

    Args:
        source: how it is loaded.
        content: a hash of its files.
    """

    source: PluginSource
    content: str


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The versions, code and files that every node must have.

    Args:
        versions: of distributions, by name.
        code: the suite and the plugins of the run.
        paths: of people's own files.
    """

    versions: dict[str, str]
    code: list[Code]
    paths: list[str]


def expect_here(sources: Iterable[PluginSource], paths: Iterable[str]) -> Expected:
    """Return what nodes must have, which is what this machine has.

    Args:
        sources: of the plugins of a run.
        paths: of people's own files that it reads.
    """
    suite = PluginSource(distribution="archbench", value="archbench")
    packages = {_package(source): source for source in (suite, *sources)}
    installed = {source.distribution for source in packages.values() if not source.path}
    return Expected(
        versions={name: _version(name) for name in sorted({*LIBRARIES, *installed})},
        code=[Code(source=source, content=_content(source)) for source in packages.values()],
        paths=sorted(set(paths)),
    )


def complain(expected: Expected) -> list[str]:
    """Return a line for everything in which this machine is not as expected; none if it fits."""
    return [*_wrong_versions(expected), *_wrong_code(expected), *_missing_files(expected)]


def _wrong_versions(expected: Expected) -> Iterator[str]:
    for name, wanted in expected.versions.items():
        found = _version(name)
        if found != wanted:
            yield f"{name} is {found or 'not installed'} there and {wanted or 'not installed'} here; {_ADVICE}"


def _wrong_code(expected: Expected) -> Iterator[str]:
    for code in expected.code:
        path = code.source.path
        if path and not Path(path).is_file():
            yield f"there is no {path}; a plugin file must lie at the same path on every node, as in a shared folder"
        elif _content(code.source) != code.content:
            yield f"{path or _package(code.source)[1]} has other code there than here; {_ADVICE}"


def _missing_files(expected: Expected) -> Iterator[str]:
    for path in expected.paths:
        if not Path(path).exists():
            yield f"there is no {path}; own data must lie at the same path on every node, as in a shared folder"


def _package(source: PluginSource) -> tuple[str, str]:
    """Return the distribution and the top-level package of a plugin, or its file; plugins of one package share both."""
    return source.distribution, source.path or source.value.partition(":")[0].partition(".")[0]


def _content(source: PluginSource) -> str:
    if source.path:
        path = Path(source.path)
        return fingerprint_of_file(path, path.read_bytes())
    return content_of(source)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
