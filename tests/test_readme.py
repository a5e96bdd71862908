"""README is the front door: it stays short, and whoever reads nothing else can use the suite."""

from __future__ import annotations

import pytest

from support.pages import ROOT, blocks, commands, plugin_file, read_page, read_prose

README = read_page("README.md")


def test_readme_is_short() -> None:
    """README has at most 160 lines."""
    assert len(README.splitlines()) <= 160


@pytest.mark.parametrize("command", ["pip install -e . && benchmark run all", "pip install -e '.[test]' && pytest"])
def test_two_commands_set_up_everything(command: str) -> None:
    """The main job and the tests are one line each."""
    assert command + "\n" in blocks("README.md", "sh")


def test_commands_to_know() -> None:
    """One block shows 14 commands, and each says what it is for."""
    (block,) = [code for code in blocks("README.md", "sh") if "benchmark list" in code]
    lines = block.splitlines()

    assert len(lines) == 14
    assert all("  # " in line for line in lines)


def test_plugin_in_one_minute() -> None:
    """README has a whole plugin of about a dozen lines, and the commands that check it and run it."""
    code = plugin_file("README.md")

    assert code.startswith("# my_net.py\n")
    assert len([line for line in code.splitlines() if line]) <= 12
    assert ["benchmark", "check", "./my_net.py"] in commands("README.md")


def test_python_in_one_minute() -> None:
    """README shows how to run and read from Python, and how to get rows and a data frame."""
    code = blocks("README.md", "python")[-1]

    assert all(word in code for word in ("archbench.run(", "archbench.read(", ".rows()", ".to_pandas()"))


def test_torchtext_takes_one_sentence() -> None:
    """README says once why torchtext is not used, and what does its work."""
    (sentence,) = [s for s in " ".join(read_prose("README.md").split()).split(". ") if "torchtext" in s]

    assert all(word in sentence for word in ("archived", "does not load", "`datasets`", "`tokenizers`"))


def test_picture_leads_to_the_reference_run() -> None:
    """The picture of the page is there and linked with the committed results."""
    assert "](leaderboard/reference/page.png)](leaderboard/reference/README.md)" in README
    assert (ROOT / "leaderboard/reference/page.png").is_file()
