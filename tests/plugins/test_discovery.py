"""How installed entry points are found: all of them, or the one that a worker needs."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from archbench._plugins._discovery import find_candidate, find_candidates


def test_one_candidate_is_that_of_the_whole_search(fakes: Any) -> None:
    """Every entry point that the whole search finds is found alone too, with the same origin and source."""
    fakes.install("healthy", "class_plugin", "same_entry_point")
    for candidate in find_candidates()[0]:
        found = find_candidate(candidate.origin.distribution, candidate.entry_point.name)

        assert found is not None
        assert (found.origin, found.source) == (candidate.origin, candidate.source)


def test_missing_entry_points(fakes: Any) -> None:
    """An unknown distribution, or an unknown entry point of a known one, is not found."""
    fakes.install("healthy")

    assert find_candidate("healthy-net", "nothing") is None
    assert find_candidate("nothing", "healthy") is None


def test_a_folder_with_another_name_than_its_distribution(fakes: Any, tmp_path: Path) -> None:
    """A distribution is found by the name in its metadata, whatever its folder is called."""
    information = tmp_path / "renamed-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: original\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[archbench]\nnet = somewhere\n")
    fakes.install(tmp_path)
    found = find_candidate("original", "net")

    assert found is not None
    assert found.entry_point.value == "somewhere"


def test_metadata_are_parsed_once_a_distribution(fakes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's own metadata, which hold all of README, are parsed a few times and not once for each plugin."""
    parsed: list[str] = []
    original = metadata.Distribution.metadata

    def watch(self: metadata.Distribution) -> Any:
        found = original.fget(self)  # type: ignore[attr-defined]
        parsed.append(found["Name"])
        return found

    monkeypatch.setattr(metadata.Distribution, "metadata", property(watch))
    candidates, _ = find_candidates()

    assert len([c for c in candidates if c.origin.distribution == "archbench"]) > 40
    assert parsed.count("archbench") < 10
