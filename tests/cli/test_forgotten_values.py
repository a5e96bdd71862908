"""An option whose value was forgotten does not take the next option for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from archbench.cli._app import VERBS, make_app
from support import Cli


def options_with_values(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each option of a command, and of those below it, that takes a value."""
    for name, below in getattr(command, "commands", {}).items():
        yield from options_with_values(below, (*words, name))
    if words and not hasattr(command, "commands"):
        yield from ((*words, o.opts[0]) for o in command.params if o.param_type_name == "option" and not o.is_flag)


def test_no_option_takes_another_one_as_its_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each option of each verb says which value it lacks, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    app = make_app(VERBS)
    every = [*options_with_values(typer.main.get_command(app))]
    said = {words: CliRunner().invoke(app, [*words, "--json"]) for words in every}

    assert {("run", "--out"), ("profile", "--trace"), ("data", "prepare", "--plugin"), ("study", "show", "--out")} < {
        *every
    }
    assert [words for words, result in said.items() if result.exit_code != 2] == []
    missing = {words: f"{words[-1]} needs a value" for words in every}
    assert [words for words, text in missing.items() if text not in " ".join(said[words].stderr.split())] == []
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "--json"), "--out needs a value (DIR), and '--json' looks like an option; a path that begins so is"),
        (("--out=--new",), "--out needs a value (DIR), and '--new' looks like an option; a path that begins so is"),
        (("--no-plugin", "--json"), "--no-plugin needs a value (NAME), and '--json' looks like an option; see `"),
        (("--keep", "--retry"), "--keep needs a value, and '--retry' looks like an option; see `"),
        (("--plugin", "a.py", "--plugin", "--json"), "--plugin needs a value (FILE), and '--json' looks like"),
    ],
)
def test_the_refusal_is_one_line(cli_here: Cli, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """It names the option, its kind of value, and for a path the way to give one that begins with dashes."""
    done = cli_here("run", "mlp", "--task", "digits", *words, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"benchmark: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_begins_with_dashes(cli_here: Cli, tmp_path: Path) -> None:
    """It is given as `./--new`, and the commands that are suggested give it so."""
    (tmp_path / "--new").mkdir()
    listed = cli_here("claims", "--out", "./--new", cwd=tmp_path)

    assert listed.stdout.endswith("benchmark claims NAME --out ./--new\n")
