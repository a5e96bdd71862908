"""The supervisor of one node of a cluster: it starts trials there as a local run does, and hands on what they left.

Only bytes and texts cross to it and from it. It works in the output folder of the run where the node shares that, so
that a long trial of a lost node goes on from its last state elsewhere; else in a temporary folder. Records are never
written by a node: they go to the machine of the run.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import shutil
import tempfile
import threading
from pathlib import Path

import msgspec

from archbench._execution._arrivals import Arrivals, ShippedTrial
from archbench._execution._fitness import Expected, complain
from archbench._execution._fork_server import remove_folder_if_ended
from archbench._execution._messages import Joined, Left, NodeSettings
from archbench._execution._pool import Pool, open_pool
from archbench._execution._supervisor import execute
from archbench._planning import Job
from archbench._records import Record, Store, encode_record

CORES = "LOKY_MAX_CPU_COUNT"
"""Environment variable of joblib, by which this process and its children count no more cores than they were granted."""


class _Stop(Exception):  # noqa: N818 - private
    """The run does not need this node any more."""


_JOBS = msgspec.json.Decoder(Job)
"""Made before there are threads: msgspec looks into a type when it first meets it, and a thread that meets it while
another one does so crashes the process. A node gets several trials at once."""


class NodeSupervisor:
    """Runs trials on the machine where it lives, in a thread, since a cluster calls its methods from others."""

    def __init__(self) -> None:
        self._arrivals = Arrivals()
        self._left: queue.Queue[bytes | BaseException] = queue.Queue()
        self._opened: queue.Queue[bytes | BaseException] = queue.Queue(1)
        self._stopping = False
        self._thread: threading.Thread | None = None

    def check(self, expected: bytes) -> bytes:
        """Return the host, and in what it is not as expected; both `Expected` and the answer are JSON."""
        return msgspec.json.encode((platform.node(), complain(msgspec.json.decode(expected, type=Expected))))

    def open(self, settings: bytes) -> bytes:
        """Prepare for trials, and return what the node has, a `Joined` as JSON.

        Raises:
            DeviceError: the device asked for is not there.
        """
        wanted = msgspec.json.decode(settings, type=NodeSettings)
        os.environ |= wanted.environment
        if wanted.cores is not None:
            os.environ[CORES] = str(wanted.cores)
        # The fork server dies with the thread that started it, so one thread does everything.
        self._thread = threading.Thread(target=self._work, args=(wanted,), daemon=True)
        self._thread.start()
        return _answer(self._opened.get())

    def give(self, job: bytes) -> None:
        """Take a trial, a `Job` as JSON; there must be a free device."""
        self._arrivals.add(ShippedTrial(_JOBS.decode(job)))

    def poll(self, seconds: float) -> list[bytes]:
        """Return what trials have left since the last call, each a `Left`; wait for the first at most so long."""
        found: list[bytes] = []
        with contextlib.suppress(queue.Empty):
            found.append(_answer(self._left.get(timeout=seconds)))
            while True:
                found.append(_answer(self._left.get_nowait()))
        return found

    def stop(self) -> None:
        """End all trials at once, and remove the temporary folders; a cluster kills this process next."""
        self._stopping = True
        self._arrivals.close()
        if self._thread is not None:
            self._thread.join()
            remove_folder_if_ended()

    def _work(self, wanted: NodeSettings) -> None:
        folder = Path(tempfile.mkdtemp(prefix="archbench-node-"))
        try:
            pool = open_pool_of_node(wanted)
            joined = Joined(node="", host=platform.node(), devices=pool.devices, warning=pool.warning)
            self._opened.put(msgspec.json.encode(joined))
            self._train(pool, _find_store(wanted, folder), wanted)
        except _Stop:
            pass
        except BaseException as error:  # handed to whoever asks next
            with contextlib.suppress(queue.Full):
                self._opened.put_nowait(error)
            self._left.put(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _train(self, pool: Pool, store: Store, wanted: NodeSettings) -> None:
        sent_back = str(store.root) != wanted.root
        with store.sharing() if sent_back else contextlib.nullcontext():
            trials = execute(
                (),
                store,
                pool,
                timeout=wanted.timeout,
                keep=lambda trial: trial.shipped.keep,
                on_tick=self._raise_if_stopped,
                arrivals=self._arrivals,
            )
            with contextlib.closing(trials):
                for record in trials:
                    self._left.put(msgspec.msgpack.encode(_collect(store, record, sent_back=sent_back)))

    def _raise_if_stopped(self) -> None:
        if self._stopping:
            raise _Stop


def open_pool_of_node(wanted: NodeSettings) -> Pool:
    """Return the pool of this machine as a run wants it."""
    return open_pool(
        device=wanted.device,
        workers=wanted.workers,
        per_trial=wanted.per_trial,
        sharded=wanted.sharded,
        per_device=wanted.per_device,
        libraries=wanted.libraries,
    )


def _find_store(wanted: NodeSettings, folder: Path) -> Store:
    """Return the store in which trials work here; its records lie in a temporary folder."""
    shared = bool(wanted.token) and (Path(wanted.root) / wanted.token).is_file()
    store = Store(Path(wanted.root) if shared else folder)
    store.records = folder / "records"
    return store


def _collect(store: Store, record: Record, *, sent_back: bool) -> Left:
    """Return what a trial left, and remove it here; logs and networks only if they are to be sent back."""
    store.path(record.id).unlink(missing_ok=True)
    if not sent_back:
        return Left(record=encode_record(record))
    log = store.log(record.id)
    files = [*([log] if log.exists() else ()), *sorted(store.networks.glob(f"{record.id}.*"))]
    found = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    networks = {path.name: data for path, data in found.items() if path != log}
    return Left(record=encode_record(record), log=found.get(log, b""), networks=networks)


def _answer(found: bytes | BaseException) -> bytes:
    if isinstance(found, BaseException):
        raise found
    return found
