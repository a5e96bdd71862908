"""The code inside the process of one trial. Its record goes back through a channel.

It writes nothing but its log and, where that is wanted, the trained network.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from archbench._execution._channel import deliver, report
from archbench._execution._descendants import end_below
from archbench._planning import Job
from archbench._plugins import adopt_descendants
from archbench._records import Progress, Record, Store, Together, printable

Tell = Callable[[Progress | Together], None]

DONE_RANK, FAILED_RANK = 70, 71
"""Exit codes of a rank that is not rank 0 and has done its part, or has delivered a record of its failure."""


def run_job(data: bytes, root: str, token: str, channel: int, parent_is_gone: Callable[[], object]) -> None:
    """Run one job and hand its record, or one for each of several seeds, to the supervisor.

    Args:
        data: the job as JSON.
        root: the output folder, for the log and the state of a long training.
        token: the secret that makes a record count as that of this trial.
        channel: descriptor of the file that takes the record.
        parent_is_gone: a function that returns when the supervising process has died.
    """
    job = msgspec.json.decode(data, type=Job)
    _become_group_leader()
    adopt_descendants()  # none of them gets lost when the process between ends
    store = Store(Path(root))
    _redirect_output(store.log(job.trial.id), shared=job.rank is not None)
    if job.device.kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # torch looks for GPUs in every step of an optimiser, 35 us each time
    if job.device.cores:
        os.sched_setaffinity(0, job.device.cores)
    if job.rank is not None:
        os.environ.update(job.rank.variables())
    threading.Thread(target=_die_with_parent, args=(parent_is_gone,), daemon=True).start()

    def tell(said: Progress | Together) -> None:
        if leads(job):
            report(channel, token, said)

    for record in (_train_together if job.beside else _train)(job, store, tell):
        if leads(job) or record.status != "ok":
            deliver(channel, token, record)
        sys.stderr.write(record.detail)  # the traceback, below whatever the trial printed
    sys.stdout.flush()
    sys.stderr.flush()
    end_below(os.getpid())
    # The record is delivered. A normal exit after torch takes up to a second, and runs the atexit code of plugins.
    os._exit(0 if leads(job) else DONE_RANK if record.status == "ok" else FAILED_RANK)


def _train(job: Job, store: Store, tell: Tell) -> Iterator[Record]:
    from archbench._training import LiveLog, run_trial

    live = LiveLog(job, store.live_logs)

    def tell_all(progress: Progress) -> None:
        tell(progress)
        live.progress(progress)

    checkpoint, kept = store.checkpoint(job.trial.id), {"networks": store.networks, "states": store.states}
    record = live.note(run_trial(job, _shared(store), tell_all, checkpoint, **kept))
    yield record if leads(job) else msgspec.structs.replace(record, message=f"{job.rank}: {record.message}")
    live.end(record)  # when the record is delivered: a server may be slow


def _train_together(job: Job, store: Store, tell: Tell) -> list[Record]:
    """Train the seeds of a job together; return no record of one that has to be trained alone."""
    from archbench._training import NotTogetherError, run_together

    seeds = 1 + len(job.beside)

    def tell_faster(factor: float) -> None:
        tell(Together(seeds=seeds, faster=factor))

    jobs = [msgspec.structs.replace(job, trial=trial, beside=[]) for trial in (job.trial, *job.beside)]
    try:
        return run_together(jobs, _shared(store), tell, networks=store.networks, on_faster=tell_faster)
    except NotTogetherError as error:
        tell(Together(seeds=seeds, refused=printable(str(error))))
        return []


def _shared(store: Store) -> Path | None:
    return store.shared if store.shared.is_dir() else None


def _become_group_leader() -> None:
    # In a process group of its own, the trial and all processes that it starts can be ended together, and Ctrl-C in the
    # terminal reaches the supervisor only.
    if os.getpgid(0) != os.getpid():
        os.setsid()


def leads(job: Job) -> bool:
    """Return whether this process tells the results of its trial."""
    return job.rank is None or job.rank.leads


def _redirect_output(log: Path, *, shared: bool) -> None:
    """Let everything that is printed go to the log; a disk that fails costs the log, not the trial."""
    try:
        descriptor = _open_log(log, shared=shared)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable(file=2)


def _open_log(log: Path, *, shared: bool) -> int:
    """Return the descriptor of the log, which is new; where ranks share it, the supervisor has made it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if not shared:
        log.unlink(missing_ok=True)
    # Never through a link; appended, because the supervisor cuts a log that grows too long.
    new = os.O_NOFOLLOW if shared else os.O_CREAT | os.O_EXCL
    return os.open(log, os.O_WRONLY | os.O_APPEND | new, 0o644)


def _die_with_parent(parent_is_gone: Callable[[], object]) -> None:
    parent_is_gone()
    end_below(os.getpid())
    os.killpg(0, signal.SIGKILL)
