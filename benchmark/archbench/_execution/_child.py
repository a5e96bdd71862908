"""The code inside the process of one trial. Its record goes back through a channel.

It writes nothing but its log and, where that is wanted, the trained network.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from archbench._execution._channel import deliver, report
from archbench._execution._descendants import end_below
from archbench._planning import Job
from archbench._plugins import adopt_descendants
from archbench._records import Progress, Record, Store, Together

Tell = Callable[[Progress | Together], None]


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
    _redirect_output(store.log(job.trial.id))
    if job.device.kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # torch looks for GPUs in every step of an optimiser, 35 us each time
    threading.Thread(target=_die_with_parent, args=(parent_is_gone,), daemon=True).start()

    def tell(said: Progress | Together) -> None:
        report(channel, token, said)

    for record in (_train_together if job.beside else _train)(job, store, tell):
        deliver(channel, token, record)
        sys.stderr.write(record.detail)  # the traceback, below whatever the trial printed
    sys.stdout.flush()
    sys.stderr.flush()
    end_below(os.getpid())
    # The record is delivered. A normal exit after torch takes up to a second, and runs the atexit code of plugins.
    os._exit(0)


def _train(job: Job, store: Store, tell: Tell) -> list[Record]:
    from archbench._training import run_trial

    return [run_trial(job, _shared(store), tell, store.checkpoint(job.trial.id), networks=store.networks)]


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
        tell(Together(seeds=seeds, refused=str(error)))
        return []


def _shared(store: Store) -> Path | None:
    return store.shared if store.shared.is_dir() else None


def _become_group_leader() -> None:
    # In a process group of its own, the trial and all processes that it starts can be ended together, and Ctrl-C in the
    # terminal reaches the supervisor only.
    if os.getpgid(0) != os.getpid():
        os.setsid()


def _redirect_output(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    # Never through a link; appended, because the supervisor cuts a log that grows too long.
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable(file=2)


def _die_with_parent(parent_is_gone: Callable[[], object]) -> None:
    parent_is_gone()
    end_below(os.getpid())
    os.killpg(0, signal.SIGKILL)
