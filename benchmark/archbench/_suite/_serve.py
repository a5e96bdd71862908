"""The leaderboard on the loopback interface of this machine, built again whenever records of its folder change.

Records are only read, so that a run may write to the folder at the same time, and nothing is written to the folder.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import NoReturn
from urllib.parse import urlsplit

from archbench._errors import ArchbenchError
from archbench._plugins import Plugins
from archbench._records import Store, read_plain_file
from archbench._suite._leaderboard import render_leaderboard

LOOPBACK = "127.0.0.1"
PAUSE = 0.5
"""Seconds between two looks at the folder; more where a look or a build takes longer than that."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".tex": "text/plain; charset=utf-8",
    ".bib": "text/plain; charset=utf-8",
    ".png": "image/png",
}


class LivePage:
    """The files of the leaderboard of a folder, as its records are now.

    Args:
        root: the folder.
        plugins: may add sections, and bring the studies and claims.

    Raises:
        ArchbenchError: the folder cannot be read.
    """

    def __init__(self, root: Path, plugins: Plugins) -> None:
        self._root, self._plugins = root, plugins
        self.files: Mapping[str, bytes] = {}
        self.version = ""
        self.records = 0
        self.newer: Mapping[str, str] = {}
        self._state: tuple[object, ...] = ()
        self._paths: Mapping[str, Path] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Build the files again if records changed since the last time; return whether they had.

        Raises:
            ArchbenchError: the folder cannot be read; the files stay as they were.
        """
        from archbench._report import make_live, version_of  # numpy and scipy: many verbs do without

        state = tuple(_state_of(self._root))  # before reading: what changes meanwhile is seen the next time
        if state == self._state:
            return False
        self._state = state
        store = Store(self._root)
        records, broken = store.scan()
        notes = [f"{path.name} does not count: {reason}" for path, reason in broken]
        files = render_leaderboard(store, list(records.values()), self._plugins, notes)
        pages = {name: content for name, content in files.items() if name.endswith(".html")}
        version = version_of(*pages.values())
        self.files = {**files, **{name: make_live(page, version) for name, page in pages.items()}}
        self.records, self.newer, self.version = len(records), store.newer, version
        self._paths = {f"records/{key[:2]}/{key}.json": store.path(key) for key in records}
        return True

    def find(self, name: str) -> bytes | None:
        """Return a file of the leaderboard, or of a record that it shows; None if there is none of this name."""
        if name in self.files:
            return self.files[name]
        try:
            return read_plain_file(self._paths[name]) if name in self._paths else None
        except (OSError, ValueError):  # it was replaced by something else meanwhile
            return None


def _state_of(root: Path) -> Iterator[object]:
    """Yield what differs when records were added, replaced or removed; no record is opened.

    A record is written under another name and renamed, which changes the time of its folder.
    """
    for name in ("problems.json", "set-aside.json"):
        path = root / name
        yield path.stat().st_mtime_ns if path.exists() else None
    for folder, _, names in sorted(os.walk(root / "records")):
        yield folder, len(names), os.stat(folder).st_mtime_ns


class PageServer(ThreadingHTTPServer):
    """Answers requests of this machine for the files of a page, and for nothing else.

    Args:
        page: the files, which may change.
        port: to listen on; 0 for any that is free.

    Raises:
        ArchbenchError: nothing can listen on the port.
    """

    daemon_threads = True

    def __init__(self, page: LivePage, port: int) -> None:
        self.page = page
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ArchbenchError(f"port {port} is in use; choose another with --port, or 0 for any") from None
            raise ArchbenchError(
                f"no server can use port {port}: {error.strerror}; choose another with --port"
            ) from None

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that closes a connection early is no error."""

    def watch(self, warn: Callable[[str], None]) -> NoReturn:
        """Answer requests, and keep the page up to date, until an exception such as Ctrl-C ends it.

        Args:
            warn: is told why a page could not be built; the one before stays.
        """
        threading.Thread(target=self.serve_forever, name="server", daemon=True).start()
        pause = PAUSE
        try:
            while True:
                time.sleep(pause)
                start = time.perf_counter()
                try:
                    self.page.refresh()
                except ArchbenchError as error:
                    warn(f"the page stays as it was: {error}")
                pause = max(PAUSE, time.perf_counter() - start)  # at most half of the time is spent on the page
        finally:
            self.shutdown()


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "archbench", ""
    timeout = 30  # seconds; an idle connection must not hold its thread for ever
    server: PageServer

    def do_GET(self) -> None:
        """Answer with a file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers of a file."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        status, kind, body = self._find()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _find(self) -> tuple[HTTPStatus, str, bytes]:
        """Return status, type and content of the answer.

        The path is looked up among the names of the files, so that nothing outside of them can be reached. A request
        under another name of this machine comes from a foreign site that had its name resolved to the loopback address.
        """
        from archbench._report import VERSION_PATH

        page, path = self.server.page, urlsplit(self.path).path
        if self.headers.get("Host") not in {f"{host}:{self.server.server_port}" for host in (LOOPBACK, "localhost")}:
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"this server answers on the loopback interface only\n"
        if path == VERSION_PATH:
            return HTTPStatus.OK, "text/plain", page.version.encode()
        name = path.removeprefix("/") or "index.html"
        content = page.find(name)
        if content is None:
            return HTTPStatus.NOT_FOUND, "text/plain", b"no file of the leaderboard has this name\n"
        return HTTPStatus.OK, _TYPES[PurePosixPath(name).suffix], content

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the page asks every second."""
