"""A web server that misbehaves on request, and an empty data folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench._downloads import _fetch


@dataclass
class Site:
    """The files of a server, its faults, and the requests it got.

    Args:
        files: content by path.
        break_after: for each path, the numbers of bytes after which its first, second, ... answers break off.
        redirects: the address to which a path is redirected.
        tags: the ETag of a path; without one, the server does not tell versions apart.
        ranges: the server honours requests for a range.
        wait: called before every answer.
        asked: the path and the Range header of every request.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    break_after: dict[str, list[int]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    wait: Callable[[], object] = bool
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def remote(self, name: str, content: bytes, *, urls: tuple[str, ...] = (), **more: Any) -> archbench.RemoteFile:
        """Put a file on the server and declare it."""
        self.files.setdefault(f"/{name}", content)
        values = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}
        return archbench.RemoteFile(path=f"set/{name}", urls=urls or (f"{self.address}/{name}",), **values)


class Handler(BaseHTTPRequestHandler):
    """Answers requests from its site."""

    site: Site

    def do_GET(self) -> None:
        """Send the file, or the answer that the site prescribes instead."""
        site, path = self.site, self.path
        site.asked.append((path, self.headers["Range"]))
        site.wait()
        if path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[path])
            self.end_headers()
            return
        if path not in site.files:
            self.send_error(404)
            return
        content, start = site.files[path], 0
        unchanged = self.headers["If-Range"] in (None, site.tags.get(path))
        if self.headers["Range"] and site.ranges and unchanged:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if path in site.tags:
            self.send_header("ETag", site.tags[path])
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        breaks = site.break_after.get(path)
        end = start + breaks.pop(0) if breaks else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server on this machine; downloads do not pause between attempts."""
    monkeypatch.setattr(_fetch, "PAUSE", 0.0)
    found = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": found}))
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ARCHBENCH_DATA", str(folder))
    return folder
