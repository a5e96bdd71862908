"""The workflow that publishes a leaderboard, and the picture that sites show beside a link to it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from support import Cli

URL = "https://example.org/page/"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with the folder of a leaderboard, whose name needs quotes."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "results: #1" / "records").mkdir(parents=True)
    return tmp_path


def test_the_workflow_publishes_the_folder(repository: Path, cli_here: Cli) -> None:
    """The file is YAML that uploads exactly the folder, with pinned actions and no more rights than Pages needs."""
    done = cli_here("leaderboard", "--out", "results: #1", "--publish-workflow", "--json", cwd=repository)
    path = repository / ".github" / "workflows" / "leaderboard.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    used = {name: step for step in job["steps"] for name in [step["uses"].partition("@")[0]]}

    assert (done.returncode, json.loads(done.stdout)["workflow"]) == (0, str(path))
    assert used["actions/upload-pages-artifact"]["with"] == {"path": "results: #1"}
    assert list(used) == [
        f"actions/{name}" for name in ("checkout", "configure-pages", "upload-pages-artifact", "deploy-pages")
    ]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in job["steps"])
    assert workflow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert workflow[True] == {"push": None, "workflow_dispatch": None}  # YAML 1.1 reads the key `on` as true
    assert "run" not in str(job["steps"])


def test_another_workflow_is_not_overwritten(repository: Path, cli_here: Cli) -> None:
    """The same workflow is written again without a complaint; one that differs is kept, and nothing is built."""
    command = ("leaderboard", "--out", "results: #1", "--publish-workflow")
    cli_here(*command, cwd=repository)
    again = cli_here(*command, cwd=repository)
    path = repository / ".github" / "workflows" / "leaderboard.yml"
    path.write_text("mine: true\n")
    (repository / "results: #1" / "index.html").unlink()
    refused = cli_here(*command, cwd=repository)

    assert again.returncode == 0
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "leaderboard.yml exists and is another workflow" in refused.stderr
    assert path.read_text() == "mine: true\n"
    assert not (repository / "results: #1" / "index.html").exists()


def test_the_workflow_goes_to_a_file_of_choice(repository: Path, cli_here: Cli) -> None:
    """--workflow-file names the file, which publishes the same folder; alone, it is refused."""
    command = ("leaderboard", "--out", "results: #1", "--workflow-file", "ci/pages.yml")
    done = cli_here(*command, "--publish-workflow", "--json", cwd=repository)
    alone = cli_here(*command, cwd=repository)

    path = repository / "ci" / "pages.yml"
    assert (done.returncode, json.loads(done.stdout)["workflow"]) == (0, str(path))
    assert "results: #1" in path.read_text(encoding="utf-8")
    assert not (repository / ".github").exists()
    assert (alone.returncode, "add that, or leave it out" in alone.stderr) == (2, True)


def test_a_folder_outside_of_a_repository_has_no_workflow(tmp_path: Path, cli_here: Cli) -> None:
    """Without a repository there is no place for the workflow, and the command says what to do."""
    (tmp_path / "leaderboard" / "records").mkdir(parents=True)
    done = cli_here("leaderboard", "--publish-workflow", cwd=tmp_path)

    assert done.returncode == 2
    assert "git init" in done.stderr


def test_the_page_names_its_picture_only_when_it_has_an_address(repository: Path, cli_here: Cli) -> None:
    """With --publish-url the page names the picture at its address; without, it holds no address at all."""
    page = repository / "results: #1" / "index.html"
    cli_here("leaderboard", "--out", "results: #1", "--publish-url", URL, cwd=repository)
    published = page.read_text(encoding="utf-8")
    cli_here("leaderboard", "--out", "results: #1", cwd=repository)
    plain = page.read_text(encoding="utf-8")

    assert f'<meta property="og:image" content="{URL}preview.png">' in published
    assert '<meta name="twitter:card" content="summary_large_image">' in published
    assert "og:" not in plain
    assert "https://" not in plain
    with Image.open(io.BytesIO((page.parent / "preview.png").read_bytes())) as picture:
        assert (picture.size, picture.format) == ((1200, 630), "PNG")
