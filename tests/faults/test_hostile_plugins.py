"""Plugins that try to end, block or mislead the command: each is named, or does no harm, and the rest runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support import Cli, Count

pytestmark = pytest.mark.usefixtures("heard_signals")

FATAL = {
    "exit": "raise SystemExit(0)",
    "exit-at-once": "import os; os._exit(0)",
    "crash": "import os; os.abort()",
    "interrupt": "raise KeyboardInterrupt",
    "loop": "while True: pass",
    "deaf-loop": "\n".join(
        ("while True:", "        try:", "            import time; time.sleep(9)", "        except BaseException: pass")
    ),
}
"""What a plugin does that must be named, and must cost that plugin only."""
MILD = {
    "folder": "import os; os.chdir('/')",
    "signals": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN)",
    "blocked": "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])",
    "print": "print('{}')",
    "descriptor": "import os; os.write(1, b'{}')",
    "thread": "import threading; threading.Thread(target=threading.Event().wait).start()",
    "talker": "import os, threading as t; t.Thread(target=lambda: [os.write(1, b'{}') for _ in range(99999)]).start()",
    "exit-handler": "import atexit, os; atexit.register(os._exit, 0)",
    "slow-end": "import atexit, time; atexit.register(time.sleep, 3600)",
    "streams": "import sys; sys.stdout = sys.stderr = None",
}
"""What a plugin does that must have no effect on the command."""
ACTIONS = FATAL | MILD

START = "import archbench\ndef act():\n    {action}\n"
ITEMS = """
def incompatible(task, options):
    {incompatible}
    return "on purpose"

def recipe(options):
    {recipe}

def info(options):
    {info}
    return archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=2)

@archbench.hookimpl
def archbench_architectures():
    {hook}
    yield archbench.Architecture(
        name="net-{name}", build="torch.nn:Linear", inputs=("image",), incompatible={predicate}, recipe=recipe
    )

@archbench.hookimpl
def archbench_tasks():
    yield archbench.Task(name="task-{name}", info=info, load="x:y", loss="cross_entropy", metric="accuracy",
                         chance=0.5, oracle=1.0)
"""
OBSERVING = """
@archbench.hookimpl
def archbench_{hook}:
    act()
    return []
"""
PLACES = ("import", "hook", "info", "incompatible", "recipe")


def source(name: str, action: str, place: str) -> str:
    """The text of a plugin that does something in one place, and is healthy elsewhere."""
    calls = {where: "act()" if where == place else "pass" for where in PLACES}
    predicate = None if place == "recipe" else "incompatible"
    items = ITEMS.format(name=name, predicate=predicate, **calls)
    return START.format(action=action) + ("act()\n" if place == "import" else "") + items


def install(site: Path, sources: dict[str, str]) -> dict[str, str]:
    """Install plugins, one distribution each, and return the environment of a process that finds them."""
    for name, text in sources.items():
        module = f"hostile_{name.replace('-', '_')}"
        information = site / f"{module}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[archbench]\n{name} = {module}\n")
        (site / f"{module}.py").write_text(text)
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "ARCHBENCH_PLUGIN_SECONDS": "2"}


def everywhere(places: Iterable[str], actions: Iterable[str]) -> dict[str, str]:
    """The sources of one plugin for each place and action, by name."""
    return {f"{place}-{name}": source(f"{place}-{name}", ACTIONS[name], place) for place in places for name in actions}


def offenders(answer: Any) -> set[str]:
    """The plugins that a JSON object names for something fatal."""
    return {problem["plugin"].partition(":")[0] for problem in answer["problems"] if problem.get("fatal", True)}


@pytest.mark.slow
def test_loading(cli: Cli, tmp_path: Path, count: Count) -> None:
    """Whatever a plugin does when it is loaded, the rest is listed; what is fatal is named, and the exit code is 1."""
    sources = everywhere(("import", "hook", "info"), ACTIONS)
    environment = install(tmp_path / "site", sources)
    done = cli("plugins", "--json", cwd=tmp_path, env=environment, timeout=120)
    answer = json.loads(done.stdout)
    nets = {name for plugin in answer["plugins"] for name in plugin["architectures"]}
    count(len(sources), "plugins that are hostile when they are loaded")

    assert done.returncode == 1
    assert offenders(answer) == {name for name in sources if name.partition("-")[2] in FATAL}
    assert {"mlp", *(f"net-{name}" for name in sources if name.partition("-")[2] in MILD)} <= nets
    assert "loading it ended the process with exit code 0; leave it out with --no-plugin import-exit-at-once" in (
        done.stderr
    )


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_one_file(name: str, cli: Cli, tmp_path: Path) -> None:
    """A hostile file ends the command with one JSON object: an error that names the file, or the whole list."""
    (tmp_path / "hostile.py").write_text(source("x", ACTIONS[name], "import"))
    environment = {**os.environ, "ARCHBENCH_PLUGIN_SECONDS": "2"}
    done = cli("list", "--plugin", "hostile.py", "--json", cwd=tmp_path, env=environment, timeout=60)
    answer = json.loads(done.stdout)

    assert done.returncode == (2 if name in FATAL else 0), done.stderr
    assert "hostile.py" in answer["error"] if name in FATAL else answer["architectures"]


@pytest.mark.slow
def test_planning(cli: Cli, tmp_path: Path, count: Count) -> None:
    """A function of a declaration that ends the process, or never returns, fails its own rows; the rest is trained."""
    sources = everywhere(["incompatible"], ACTIONS)
    environment = install(tmp_path / "site", sources)
    done = cli(
        "run", "mlp", "net-*", "--task", "digits", "--protocol", "smoke", "--json",
        cwd=tmp_path, env=environment, timeout=200,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    found = {trial["architecture"]: trial["status"] for trial in answer["trials"]}
    count(len(sources), "plugins that are hostile when a run is planned")

    assert done.returncode == 1
    assert found == {"mlp": "ok", **{f"net-incompatible-{name}": "failed" for name in FATAL}}


@pytest.mark.slow
def test_recipes(cli: Cli, tmp_path: Path) -> None:
    """A recipe that ends the process, or never returns, is named as the reason of its own cell."""
    environment = install(tmp_path / "site", everywhere(["recipe"], FATAL))
    done = cli(
        "run", "resnet", "net-*", "--task", "digits", "--protocol", "paper", "--dry-run", "--json",
        cwd=tmp_path, env=environment, timeout=200,
    )  # fmt: skip
    reasons = {cell["architecture"]: cell["reason"] for cell in json.loads(done.stdout)["cells"]}

    assert {name for name, reason in reasons.items() if "recipe()" in reason} == {
        f"net-recipe-{name}" for name in FATAL
    }


HOOKS = ("trial_started(trial)", "trial_finished(trial, record)", "leaderboard_sections(records)")


@pytest.mark.slow
def test_observing_hooks(cli: Cli, tmp_path: Path, count: Count) -> None:
    """Whatever observers do, the run is whole: fatal ones are named, and standard output is one JSON object."""
    sources = {
        f"{hook.partition('(')[0].replace('_', '-')}-{name}": START.format(action=action) + OBSERVING.format(hook=hook)
        for hook in HOOKS
        for name, action in ACTIONS.items()
    }
    environment = install(tmp_path / "site", sources)
    done = cli(
        "run", "mlp", "--task", "digits", "--protocol", "smoke", "--json",
        cwd=tmp_path, env=environment, timeout=200,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    count(len(sources), "plugins that are hostile in observing hooks")

    assert done.returncode == 1
    assert [trial["status"] for trial in answer["trials"]] == ["ok"]
    assert offenders(answer) == {name for name in sources if name.endswith(tuple(f"-{fatal}" for fatal in FATAL))}
    assert (tmp_path / "leaderboard" / "index.html").exists()


@pytest.mark.slow
def test_observers_keep_their_state_and_their_files(cli: Cli, tmp_path: Path) -> None:
    """An observer counts from hook to hook, writes in the folder of the user, and its buffers are written out."""
    text = (
        "import archbench\nfile = open('seen.txt', 'w')\nseen = []\n"
        "@archbench.hookimpl\ndef archbench_trial_started(trial):\n    seen.append('started')\n"
        "@archbench.hookimpl\ndef archbench_trial_finished(trial, record):\n"
        "    seen.append(record.status)\n    print(*seen, file=file)\n"
    )
    environment = install(tmp_path / "site", {"watch": text})
    done = cli("run", "mlp", "--task", "digits", "--protocol", "smoke", cwd=tmp_path, env=environment)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen.txt").read_text() == "started ok\n"


@pytest.mark.slow
def test_ctrl_c_in_spite_of_a_plugin_that_ignores_it(tmp_path: Path) -> None:
    """A plugin that ignores or blocks the signals to stop changes nothing: Ctrl-C ends the run with 130."""
    text = source("deaf", f"{MILD['signals']}; {MILD['blocked']}", "import")
    environment = install(tmp_path / "site", {"deaf": text})
    command = [sys.executable, "-m", "archbench", "run", "mlp", "--task", "digits", "--seeds", "50"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "leaderboard").glob("logs/*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Stopped." in errors


HELD_UP = """
import time
import archbench

def inspect(path, options):
    time.sleep(999)

def analyse(data):
    time.sleep(999)

@archbench.hookimpl
def archbench_readers():
    yield archbench.Reader(scheme="slow", inspect=inspect, load=inspect)

@archbench.hookimpl
def archbench_studies():
    rules = archbench.Protocol(name="slow", steps=archbench.equal_steps(2), batch_size=8, seeds=1, validations=1,
                               for_studies=True)
    part = archbench.Part(architectures=("mlp",), tasks=("digits",), protocol=rules)
    yield archbench.Study(name="slow-study", question="When?", sizes={"quick": (part,)}, analyse=analyse)
"""


@pytest.mark.slow
def test_readers_and_analyses_have_a_limit(cli: Cli, tmp_path: Path) -> None:
    """A reader and an analysis that never return are named after their time; the trials of the study are kept."""
    environment = install(tmp_path / "site", {"held-up": HELD_UP})
    (tmp_path / "data.txt").write_text("")
    read = cli("show", "slow:data.txt", "--json", cwd=tmp_path, env=environment, timeout=60)
    done = cli("run", "slow-study", "--json", cwd=tmp_path, env=environment, timeout=120)
    answer = json.loads(done.stdout)
    late = "it was not done after 2 s, which ARCHBENCH_PLUGIN_SECONDS can raise"

    assert read.returncode == 2
    assert f"the reader slow: of held-up failed on data.txt: {late}" in json.loads(read.stdout)["error"]
    assert done.returncode == 1
    assert [trial["status"] for trial in answer["trials"]] == ["ok"]
    assert any(f"the analysis of slow-study failed: {late}" in str(problem) for problem in answer["problems"])


@pytest.mark.slow
def test_a_plugin_that_hung_is_remembered(cli: Cli, tmp_path: Path) -> None:
    """It costs its time once, until its file changes or there is more time; the line says how to try it again."""
    environment = install(tmp_path / "site", {"sleeper": source("sleeper", "import time; time.sleep(999)", "import")})
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "ARCHBENCH_PLUGIN_SECONDS": "4"}

    def listed() -> tuple[float, str]:
        begin = time.monotonic()
        done = cli("list", cwd=tmp_path, env=environment, timeout=60)
        assert done.returncode == 1
        return time.monotonic() - begin, done.stderr

    first, again = listed(), listed()
    environment["ARCHBENCH_PLUGIN_SECONDS"] = "4.5"
    longer = listed()
    module = tmp_path / "site" / "hostile_sleeper.py"
    module.write_text(module.read_text().replace("999", "0"))
    repaired = cli("list", cwd=tmp_path, env=environment, timeout=60)

    assert first[0] > 4
    assert "loading it was not done after 4 s, which ARCHBENCH_PLUGIN_SECONDS can raise" in first[1]
    assert again[0] < 4
    assert "when it was last tried; set ARCHBENCH_PLUGIN_SECONDS to more than 4 to try again" in again[1]
    assert longer[0] > 4.5
    assert repaired.returncode == 0


def test_standard_output_is_closed_to_others(tmp_path: Path) -> None:
    """What a thread of a plugin prints after the JSON object, while the command ends, is not on standard output."""
    program = (
        "import os\n"
        "from archbench.cli._output import json_only, print_json\n"
        "with json_only():\n"
        "    print_json({'a': 1})\n"
        "os.write(1, b'late')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == {"a": 1}
    assert done.stderr == "late"


def test_a_plugin_is_tried_once(cli: Cli, tmp_path: Path) -> None:
    """A plugin is loaded in another process once, until its file changes; a damaged note is as good as none."""
    cache, tries = tmp_path / "cache", tmp_path / "tries.txt"
    count = f"import os, pathlib; print(os.getpid(), file=pathlib.Path({str(tries)!r}).open('a'))"
    environment = install(tmp_path / "site", {"counter": source("counter", count, "import")})
    environment["XDG_CACHE_HOME"] = str(cache)

    def loads() -> int:
        tries.write_text("")
        assert cli("show", "mlp", cwd=tmp_path, env=environment).returncode == 0  # `list` may answer without plugins
        return len(tries.read_text().splitlines())

    first, second = loads(), loads()
    (note,) = (cache / "archbench" / "plugins").iterdir()
    note.write_bytes(b"\0 damaged")
    damaged = loads()
    module = tmp_path / "site" / "hostile_counter.py"
    module.write_text(module.read_text() + "\n# changed\n")

    assert (first, second, damaged, loads()) == (2, 1, 2, 2)
