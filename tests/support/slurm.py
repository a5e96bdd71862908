"""A real SLURM of one node on this machine, for a test: Debian's packages, configured in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")

CONFIGURATION = """
ClusterName=archbench
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={port}
SlurmdPort={other_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
SchedulerParameters=sched_interval=1,bf_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""

START_SECONDS = 30


def missing_programs() -> list[str]:
    """Return the programs of SLURM and munge that are not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Run munge, the controller and a node; give the environment in which commands find them.

    Args:
        folder: for sockets, keys, states and logs; its path must be short.

    Raises:
        RuntimeError: the node is not idle after half a minute; the text has the logs.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]),
        "SLURM_CONF": str(folder / "slurm.conf"),
    }
    _configure(folder)
    processes = []
    try:
        for command in (
            ["munged", "--foreground", "--force", f"--socket={folder}/munge.sock", f"--key-file={folder}/munge.key",
             f"--log-file={folder}/munge.log", f"--pid-file={folder}/munge.pid", f"--seed-file={folder}/munge.seed"],
            ["slurmctld", "-D", "-i"],
            ["slurmd", "-D", "-N", socket.gethostname().partition(".")[0]],
        ):  # fmt: skip
            log = open(folder / f"{command[0]}.out", "wb")  # noqa: SIM115 - for the process
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            log.close()
            time.sleep(0.5)
        _wait_until_idle(folder, environment)
        yield environment
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _configure(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    values = {"host": socket.gethostname().partition(".")[0], "folder": folder, "cores": os.cpu_count()}
    ports = {"port": _free_port(), "other_port": _free_port()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values, **ports))
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        command = ["sinfo", "--noheader", "--format", "%T"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = "\n".join(
        f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(folder.glob("*.[lo][ou][gt]"))
    )
    raise RuntimeError(f"SLURM does not start: {done.stdout}{done.stderr}\n{logs}")
