"""A real Ray: one that a run starts for itself, and a cluster of two nodes of which one is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import Cli, ReadRecords

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("heard_signals", "one_cluster")]

PLAN = ("run", "mlp", "highway", "--task", "digits", "--protocol", "smoke", "--seeds", "6", "--device", "cpu")
TRIALS = 12

CLUSTER = """
import os, sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
first, second = (cluster.add_node(num_cpus=1) for _ in range(2))
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(second, allow_graceful=False)
    print("killed", flush=True)
cluster.shutdown()
"""


@pytest.fixture
def cluster() -> Iterator[subprocess.Popen[str]]:
    """A process that keeps a cluster of two nodes with a core each; a line on its input kills the second."""
    # A node that is killed cannot tidy up. Ray makes sockets there, whose paths must be short.
    leftovers = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    environment = {**os.environ, **quiet, "TMPDIR": leftovers}
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    yield process
    process.communicate(timeout=60)
    shutil.rmtree(leftovers, ignore_errors=True)


@pytest.fixture(scope="module")
def local(cli: Cli, records: ReadRecords, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Scores and curves of the plan as a local run gives them, with one thread for each trial."""
    folder = tmp_path_factory.mktemp("local")
    done = cli(*PLAN, "--workers", str(os.cpu_count()), cwd=folder)
    assert done.returncode == 0, done.stderr
    return results(records(folder / "leaderboard"))


def results(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Every bit of the records that follows from training."""
    return {record["id"]: (record["scores"], without_seconds(record["curves"]), record["pairing"]) for record in found}


def without_seconds(curves: dict[str, Any]) -> dict[str, Any]:
    """Learning curves without their times."""
    return {name: values for name, values in curves.items() if name != "seconds"}


def below(marker: str) -> set[int]:
    """The processes that have a text in their environment, and so belong to a run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def listening(processes: set[int]) -> set[str]:
    """The addresses, in hexadecimal, on which these processes wait for connections."""
    inodes = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                inodes.add(os.readlink(link))
            except OSError:
                continue
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


def test_a_node_that_is_killed_costs_nothing(
    cluster: subprocess.Popen[str], local: dict[str, Any], records: ReadRecords, tmp_path: Path
) -> None:
    """Two nodes train; one is killed in mid-run, and every trial has the scores of a local run, bit for bit."""
    address = cluster.stdout.readline().strip()
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    command = [sys.executable, "-m", "archbench", *PLAN, "--executor", "ray", "--address", address]
    run = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    said = []
    for line in run.stderr:
        said.append(line)
        if line.startswith("[2/"):
            break
    cluster.stdin.write("kill\n")
    cluster.stdin.flush()
    assert cluster.stdout.readline() == "killed\n", said
    _, rest = run.communicate(timeout=400)

    assert run.returncode == 0, "".join(said) + rest
    assert "2 at a time on cpu, 1 thread each." in "".join(said)
    assert re.search(r"warning: node \S+ is lost \(.*\); [01] trials ran there", rest)
    assert "1 at a time on cpu, 1 thread each." in rest
    assert results(records(tmp_path / "leaderboard")) == local
    assert len(local) == TRIALS


def test_ray_that_a_run_starts(cli: Cli, local: dict[str, Any], records: ReadRecords, tmp_path: Path) -> None:
    """Without an address Ray is started for the run, listens on loopback only, and is gone with it; scores agree."""
    marker = f"ARCHBENCH_TEST_RAY={tmp_path}"
    name, _, value = marker.partition("=")
    run = subprocess.Popen(
        [sys.executable, "-m", "archbench", *PLAN, "--executor", "ray", "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, name: value},
    )  # fmt: skip
    for line in run.stderr:
        if line.startswith("[1/"):
            break
    processes = below(marker)
    addresses = listening(processes)
    commands = " ".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes if Path(f"/proc/{pid}").exists())
    out, _ = run.communicate(timeout=400)

    assert run.returncode == 0
    assert [trial["status"] for trial in json.loads(out)["trials"]] == ["ok"] * TRIALS
    assert results(records(tmp_path / "leaderboard")) == local
    assert "gcs_server" in commands
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert len(addresses) > 0
    assert below(marker) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_leaves_no_process(number: signal.Signals, records: ReadRecords, tmp_path: Path) -> None:
    """Ctrl-C, or the death of the run, ends Ray and every trial; what was finished has its record."""
    marker = f"ARCHBENCH_TEST_RAY={tmp_path}"
    name, _, value = marker.partition("=")
    run = subprocess.Popen(
        [sys.executable, "-m", "archbench", *PLAN, "--executor", "ray"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, name: value},
    )  # fmt: skip
    for line in run.stderr:
        if line.startswith("[1/"):
            break
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while (left := below(marker)) and time.monotonic() < deadline:
        time.sleep(0.2)

    assert left == set()
    assert run.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in said
    assert len(records(tmp_path / "leaderboard")) >= 1


def test_an_address_where_nothing_is(cli: Cli, tmp_path: Path) -> None:
    """A cluster that is not there is one line and exit code 2."""
    done = cli(*PLAN, "--executor", "ray", "--address", "127.0.0.1:1", "--json", cwd=tmp_path)

    assert done.returncode == 2
    assert "no Ray cluster at 127.0.0.1:1" in json.loads(done.stdout)["error"]


def test_a_node_with_other_code(cluster: subprocess.Popen[str], cli: Cli, tmp_path: Path) -> None:
    """A plugin that was edited after the nodes saw it elsewhere is refused, and the node is named."""
    address = cluster.stdout.readline().strip()
    done = cli(
        *PLAN, "--executor", "ray", "--address", address, "--json", cwd=tmp_path,
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": _other_code(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 2
    said = json.loads(done.stdout)["error"]
    assert re.search(r"node \S+ \(\S+\): archbench_plugins has other code there than here", said), said


def _other_code(folder: Path) -> str:
    """Return a module search path on which the built-in plugins have one more line."""
    import shutil

    import archbench_plugins

    shutil.copytree(Path(archbench_plugins.__file__).parent, folder / "code" / "archbench_plugins")
    with open(folder / "code" / "archbench_plugins" / "mlp" / "__init__.py", "a", encoding="utf-8") as file:
        file.write("\n# edited\n")
    return os.pathsep.join([str(folder / "code"), os.environ.get("PYTHONPATH", "")])
