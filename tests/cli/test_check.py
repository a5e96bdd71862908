"""`benchmark check`: what it prints, what it returns, and how it exits."""

from __future__ import annotations

import json
import os

import pytest

from archbench._plugins import load_plugins

BROKEN = """
import archbench

class Broken:
    pass

def build(task, options):
    import math
    from torch import nn
    width = math.prod(task.input_shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs), nn.Softmax(-1))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="broken", build=build, inputs=("image",), summary="Returns probabilities")
"""


def test_broken_file_says_what_is_wrong_and_how_to_see_it_again(cli_here, tmp_path):
    """A failed check shows a hint and a command, blocks the checks that build on it, and the exit code is 1."""
    (tmp_path / "my_net.py").write_text(BROKEN)

    done = cli_here("check", "./my_net.py", cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert done.stdout.count("FAIL") == 1
    assert "B103  FAIL" in done.stdout
    assert "every row lies in [0, 1] and sums to 1" in done.stdout
    assert "hint:  return what comes before softmax" in done.stdout
    assert "again: benchmark check ./my_net.py --only B103" in done.stdout
    (blocked,) = [line for line in done.stdout.splitlines() if line.startswith("  blocked until ")]
    assert "B104" in blocked
    assert blocked.startswith("  blocked until B103 passes: ")
    assert "B104  blocked" not in done.stdout
    assert "B101  ok" in done.stdout


def test_terminal_escapes_of_a_plugin_are_not_printed(cli_here, tmp_path):
    """What an exception of the plugin says is shown without codes that colour the terminal."""
    raising = BROKEN.replace("    import math\n", "    raise RuntimeError('no \\x1b[31mluck')\n")
    (tmp_path / "my_net.py").write_text(raising)

    done = cli_here("check", "./my_net.py", "--only", "B101", cwd=tmp_path)

    assert "raised RuntimeError: no luck (" in done.stdout


def test_json_has_every_check(cli_here, tmp_path):
    """With --json, standard output is one JSON object that holds every check."""
    (tmp_path / "my_net.py").write_text(BROKEN)

    done = cli_here("check", "./my_net.py", "--json", cwd=tmp_path)
    (checked,) = json.loads(done.stdout)["checked"]
    results = {result["code"]: result for result in checked["checks"]}

    assert done.returncode == json.loads(done.stdout)["exit_code"] == 1
    assert (checked["kind"], checked["id"], checked["conformant"]) == ("architecture", "my_net.py/broken@1", False)
    assert results["B103"]["status"] == "failed"
    assert results["B105"]["blocked_by"] == ["B103"]
    assert len(results) == 39


def test_a_network_that_ends_the_process_fails_a_check(cli, tmp_path):
    """The check at which it did so is named, with --json too, and the exit code is that of a failed check."""
    (tmp_path / "my_net.py").write_text(BROKEN.replace("    import math\n", "    import math, os\n    os._exit(5)\n"))

    done = cli("check", "./my_net.py", cwd=tmp_path)
    as_data = cli("check", "./my_net.py", "--json", cwd=tmp_path)
    (checked,) = json.loads(as_data.stdout)["checked"]

    assert (done.returncode, as_data.returncode) == (1, 1)
    assert "B002  ok" in done.stdout
    failure = "B003  FAIL      building a network needs no internet: it ended the process with exit code 5"
    assert failure in done.stdout
    assert "blocked until B003 passes: B101, B102, " in done.stdout
    assert [check["code"] for check in checked["checks"] if check["status"] == "failed"] == ["B003"]


def test_only_shows_one_check_of_tasks_and_architectures(cli_here, tmp_path):
    """Names may be of tasks and of architectures, and `--only` hides other checks, though prerequisites run."""
    done = cli_here("check", "digits", "mlp[depth=1]", "--only", "B104", "--only", "T201", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("  ") and " ok " in line] == [
        ["T201", "ok"],
        ["B104", "ok"],
    ]
    assert "(mlp[depth=1])" in done.stdout


def test_accept_keeps_fingerprints(cli_here, tmp_path):
    """The first check keeps the fingerprints, the next one compares with them."""
    first = cli_here("check", "mlp", "digits", "--accept", "--only", "B501", "--only", "T501", cwd=tmp_path)
    kept = (tmp_path / "fingerprints.json").read_text()
    second = cli_here("check", "mlp", "digits", "--only", "B501", "--only", "T501", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(json.loads(kept)) == ["archbench/digits", "archbench/mlp"]
    assert "B501  skipped" in first.stdout
    assert "B501  ok" in second.stdout
    assert "T501  ok" in second.stdout


def test_accept_keeps_nothing_that_fails(cli_here, tmp_path):
    """The fingerprint of a network that fails a check is not kept."""
    (tmp_path / "my_net.py").write_text(BROKEN)

    done = cli_here("check", "./my_net.py", "--accept", "--only", "B501", cwd=tmp_path)

    assert "the fingerprint of ./my_net.py is not kept: B501" in done.stderr
    assert not (tmp_path / "fingerprints.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to check; give NAME, ./file.py or --all"),
        (("mpl",), "no architecture 'mpl'; did you mean 'mlp'?"),
        (("mlp", "--only", "B999"), "no check 'B999'; there are B001"),
        (("./absent.py",), "cannot be read"),
        (("./empty.py",), "has no function marked"),
        (("mlp[depth=0]",), "give a whole number >= 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(cli_here, tmp_path, arguments, message):
    """A mistake of the user ends with exit code 2, not with the 1 of a failed check."""
    (tmp_path / "empty.py").write_text("")

    done = cli_here("check", *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_built_ins_pass(cli, tmp_path):
    """`check --all` passes for everything that needs no download, apart from the failures that are declared."""
    environment = {**os.environ, "ARCHBENCH_DATA": str(tmp_path / "none")}
    done = cli("check", "--all", "--json", cwd=tmp_path, env=environment, timeout=800)
    checked = json.loads(done.stdout)["checked"]
    wrong = [
        f"{item['id']}: {check['code']} {check['message']}"
        for item in checked
        for check in item["checks"]
        if check["status"] not in ("passed", "expected", "skipped")
    ]

    assert done.returncode == 0, done.stderr
    assert wrong == []
    assert all(item["conformant"] for item in checked)
    installed = load_plugins(only=[])
    ids = {item["id"] for item in checked}
    assert {r.canonical for r in installed.architectures} <= ids
    assert {r.canonical for r in installed.tasks if not r.item.files} <= ids
