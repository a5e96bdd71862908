"""`benchmark list` and `benchmark --version`, and what the advice about protocols is worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import archbench
from archbench._protocols._toml import read_protocol
from archbench.cli._app import SET_BY_PROTOCOL
from support import Cli


def test_version(cli_here: Cli, tmp_path: Path) -> None:
    """`--version` prints the version and nothing else."""
    done = cli_here("--version", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, f"archbench {archbench.__version__}\n")


def test_one_kind_of_input(cli_here: Cli, tmp_path: Path) -> None:
    """`--kind` leaves the architectures that take it and the tasks that give it."""
    done = cli_here("list", "--kind", "tokens", "--json", cwd=tmp_path)
    listing = json.loads(done.stdout)
    names = [{row["name"] for row in listing[part]} for part in ("architectures", "tasks")]

    assert all("tokens" in row["inputs"] for row in listing["architectures"])
    assert {"lstm", "transformer"} <= names[0]
    assert "mlp" not in names[0]
    assert {"copy-memory", "wikitext-2-words"} <= names[1]
    assert not {"digits", "adding"} & names[1]


def test_a_narrow_terminal(cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is longer than the terminal, and nothing is lost; a program gets one line for each entry."""
    monkeypatch.setenv("COLUMNS", "80")
    narrow = cli_here("list", cwd=tmp_path).stdout
    monkeypatch.delenv("COLUMNS")
    wide = cli_here("list", cwd=tmp_path).stdout

    assert max(map(len, narrow.splitlines())) <= 80
    assert max(map(len, wide.splitlines())) > 80
    assert narrow.split() == wide.split()


def test_the_advice_about_protocols_works(tmp_path: Path) -> None:
    """Every line that a message suggests for a protocol file is one that such a file may have."""
    for line in SET_BY_PROTOCOL.values():
        path = tmp_path / "mine.toml"
        path.write_text(f'name = "mine"\nextends = "quick"\n{line}\n')
        key, _, value = line.partition(" = ")
        protocol = read_protocol(path)
        holder = protocol.recipe if key.startswith("recipe.") else protocol
        found = getattr(holder, key.removeprefix("recipe."))

        found = found["image"] if isinstance(found, dict) else found
        assert found == (value.strip('"') if isinstance(found, str) else float(value))
