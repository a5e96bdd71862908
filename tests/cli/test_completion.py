"""Completion of shells: the script that is shown, and the names that it completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHELLS = ("bash", "zsh", "fish")


PROGRAM = "import sys; sys.argv[0] = 'benchmark'; from archbench.cli import main; main()"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `benchmark` as a shell does, by its name, with these variables in the environment."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "there", "absent"),
    [
        ("benchmark ru", {"run"}, {"list"}),
        ("benchmark run resnet-1", {"resnet-110"}, {"resnet-20", "digits"}),
        ("benchmark run dep", {"depth"}, {"mlp"}),
        ("benchmark run mlp --task dig", {"digits"}, {"adding"}),
        ("benchmark run mlp --task im", {"images:", "imagenet"}, {"digits"}),
        ("benchmark run mlp --protocol s", {"smoke", "standard"}, {"quick"}),
        ("benchmark show qu", {"quick"}, {"paper"}),
        ("benchmark check len", {"lenet"}, {"lstm"}),
        ("benchmark compare gr", {"gru"}, {"lstm"}),
    ],
)
def test_names_are_completed(line: str, there: set[str], absent: set[str], tmp_path: Path) -> None:
    """Verbs, architectures with their variants, studies, tasks, readers and protocols complete, and nothing else."""
    place = str(len(line.split()) - 1)
    done = run(tmp_path, _BENCHMARK_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=place)
    words = set(done.stdout.split())

    assert done.returncode == 0, done.stderr
    assert there <= words
    assert not absent & words


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_shown(shell: str, tmp_path: Path) -> None:
    """`--show-completion` prints a script that calls the program, and ends with 0."""
    done = run(tmp_path, "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert done.returncode == 0, done.stderr
    assert f"_BENCHMARK_COMPLETE=complete_{shell}" in done.stdout
    assert done.stderr == ""


def test_it_is_installed_where_the_shell_reads_it(tmp_path: Path) -> None:
    """`--install-completion` writes below the home folder, says where, and ends with 0."""
    variables = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    done = run(tmp_path, "--install-completion", "bash", **variables)

    assert done.returncode == 0, done.stderr
    assert "completion installed in" in done.stdout
    assert "bash_completions" in (tmp_path / ".bashrc").read_text()
