"""Train one trial in this process, or as one rank of several: `python -m archbench.worker JOB OUT`.

Started by `torchrun`, also on several machines, every process is one rank:

    torchrun --nproc-per-node 2 -m archbench.worker JOB OUT

JOB is a file that `benchmark run --write-jobs` wrote, on every machine. OUT is an output folder, as that of `benchmark
run --out`: rank 0 writes the record into it, and a long training keeps its state there, from which the same command
goes on. A name that ends in `.json` is that of a new file for the record alone. The exit code is 0 if the trial ended
ok, 1 if it did not, and 2 if it cannot be begun, or its record cannot be written where it belongs.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import msgspec

from archbench._errors import StoreError
from archbench._planning import Job, rank_of
from archbench._records import RESULTS, Record, Store, encode_record, try_writing, write_atomically

USAGE = "give a job file and an output folder: python -m archbench.worker JOB OUT"


def main(arguments: list[str]) -> int:
    """Train the trial of a job file, and return the exit code."""
    if len(arguments) != 2:
        _refuse(f"{len(arguments)} arguments; {USAGE}")
    job, target = _read(Path(arguments[0])), Path(arguments[1])
    store = None if target.suffix == ".json" else Store(target)
    if store is None and not target.parent.is_dir():
        _refuse(f"{target.parent} is no folder; the record is written into a folder that is there")
    if store is not None and target.exists() and not target.is_dir():
        _refuse(f"{target} is a file; {USAGE}")
    if job.device.kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    leads, place = job.rank is None or job.rank.leads, target if store is None else store.path(job.trial.id)
    try:
        if leads:
            try_writing(place.parent)  # to learn it from the record would cost the whole training
        record = _train(job, store)
        if leads:
            _write(record, store, place)
    except StoreError as error:
        _refuse(str(error))
    if record.status != "ok":
        sys.stderr.write(f"{job.rank or record.trial}: {record.status}: {record.message}\n{record.detail}")
    return 0 if record.status == "ok" else 1


def _train(job: Job, store: Store | None) -> Record:
    from archbench._training import run_trial

    if store is None:
        return run_trial(job)
    return run_trial(job, checkpoint=store.checkpoint(job.trial.id), networks=store.networks)


def _write(record: Record, store: Store | None, place: Path) -> None:
    """Write the record of a trial that was trained; where its place cannot be written any more, keep it elsewhere.

    Raises:
        StoreError: its place cannot be written; it says where the record is.
    """
    try:
        write_atomically(place, encode_record(record))
    except StoreError as error:
        raise StoreError(f"{error}. {_keep_elsewhere(record, place)}") from None
    if store is not None and record.status in RESULTS:
        store.drop_checkpoint(record.id)


def _keep_elsewhere(record: Record, place: Path) -> str:
    """Write a record into a temporary folder of the system, and return what to say about it."""
    try:
        kept = Path(tempfile.mkdtemp(prefix="archbench-")) / f"{record.id}.json"
        write_atomically(kept, encode_record(record))
    except (OSError, StoreError) as error:
        return f"The record is lost: {error}"
    return f"The record is in {kept} on {platform.node()}; move it to {place}"


def _read(path: Path) -> Job:
    """Return the job of a file, as that of the rank which this process is."""
    try:
        job = msgspec.json.decode(path.read_bytes(), type=Job)
    except OSError as error:
        _refuse(f"cannot read {path}: {error.strerror or error}; {USAGE}")
    except msgspec.DecodeError as error:
        _refuse(f"{path} is no job: {error}; {USAGE}")
    rank = rank_of(os.environ)
    if rank is not None and rank.total > 1:
        return job.of_rank(rank)
    if job.device.sharded:
        _refuse(f"{path} shards its weights over several devices; start it with torchrun --nproc-per-node 2 or more")
    return job


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
