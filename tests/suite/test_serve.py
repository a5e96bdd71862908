"""The served page: real requests, while records are written; nothing but its own files, for this machine alone."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from archbench._plugins import load_plugins
from archbench._records import ArchitectureFacts, Record, Store
from archbench._suite._serve import LivePage, PageServer
from support import Cli, MakeRecord

BENCHMARK = [sys.executable, "-m", "archbench", "leaderboard"]


class Answer(NamedTuple):
    """The answer of a server: status, headers and content."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes


class Served:
    """Requests to a server on this machine.

    Args:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Return the answer to a request for exactly this path."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, answer.headers, content)

    def version(self) -> str:
        """Return what the page is told when it asks for the version."""
        return self.get("/-/version").content.decode()


class Command(Served):
    """A `benchmark leaderboard --serve` of a folder in a process of its own.

    Args:
        out: the folder.
    """

    def __init__(self, out: Path) -> None:
        command = [*BENCHMARK, "--out", str(out), "--serve", "--port", "0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = json.loads("".join(self.process.stdout.readline() for _ in range(4)))
        super().__init__(int(re.search(r":(\d+)/$", self.said["url"])[1]))

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what was printed as errors."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


PATHS = (
    "/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/records", "/.lock",
    "/records/refused.json", "/index.html/", "/./index.html", "C:\\secret.txt", "*",
)  # fmt: skip
HOSTS = ("evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost.evil.example:{port}", "")


@pytest.fixture
def folder(tmp_path: Path, make_record: MakeRecord) -> Path:
    """A folder with three records and files that are none of the leaderboard."""
    write(tmp_path, [make_record(seed) for seed in range(3)])
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    """The folder as it is now, served."""
    server = PageServer(LivePage(folder, load_plugins(only=[])), 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served(server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def command(folder: Path, heard_signals: None) -> Iterator[Command]:
    """The folder, served by the command, which follows its records."""
    running = Command(folder)
    yield running
    running.process.kill()
    running.process.communicate()


def write(out: Path, records: list[Record]) -> None:
    """Write records as a run does, which holds the lock of the folder."""
    store = Store(out)
    with store.locked():
        for record in records:
            store.write(record)


def wait_for_another(served: Served, version: str) -> str:
    """Return the version that follows this one."""
    end = time.monotonic() + 60
    while (now := served.version()) == version:
        assert time.monotonic() < end, "the page was not built again"
        time.sleep(0.1)
    return now


def test_the_page_and_its_exports_are_served(served: Served, folder: Path) -> None:
    """The page and each export are answered with their types, and nothing was written to the folder."""
    for path, kind in {"/": "text/html", "/trials.csv": "text/csv", "/leaderboard.json": "application/json",
                       "/preview.png": "image/png", "/references.bib": "text/plain"}.items():  # fmt: skip
        answer = served.get(path)
        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)
        assert answer.headers["Cache-Control"] == "no-store"
    assert b"toy" in served.get("/").content
    assert {path.name for path in folder.iterdir()} == {"records", "secret.txt", ".lock"}
    head = served.get("/", "HEAD")
    assert (head.content, int(head.headers["Content-Length"])) == (b"", len(served.get("/").content))


def test_records_are_served(served: Served, folder: Path) -> None:
    """The record of each trial, which the page links to, is answered as it is on disk; a foreign file beside is not."""
    path = next((folder / "records").glob("*/*.json"))
    (path.parent / "secret.json").write_text("secret")
    answer = served.get(f"/{path.relative_to(folder)}")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.content == path.read_bytes()
    assert served.get(f"/{path.parent.relative_to(folder)}/secret.json").status == 404
    path.unlink()
    path.symlink_to(folder)
    assert served.get(f"/{path.relative_to(folder)}").status == 404


def test_the_files_of_a_large_leaderboard_are_live(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page beside the index is served too, asks for the version of all, and may run the script that does."""
    monkeypatch.setattr("archbench._report._split.MOST_TRIALS", 1)
    page = LivePage(folder, load_plugins(only=[]))
    pages = {name: content.decode() for name, content in page.files.items() if name.endswith(".html")}

    assert len(pages) > 2
    for text in pages.values():
        (script,) = [found for found in re.findall(r"<script>(.*?)</script>", text, re.DOTALL) if "/-/version" in found]
        assert page.version in script
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in text


def test_nothing_else_is_served(served: Served) -> None:
    """A path that is no name of a file of the leaderboard is not found, whatever it leads to."""
    for path in PATHS:
        answer = served.get(path)
        assert (answer.status, b"secret" in answer.content) == (404, False), path


def test_foreign_hosts_are_refused(served: Served) -> None:
    """A request under the name of a foreign site, which was resolved to this machine, gets no content."""
    for host in HOSTS:
        for path in ("/", "/-/version"):
            answer = served.get(path, Host=host.format(port=served.port))
            assert (answer.status, b"toy" in answer.content) == (421, False), host

    assert served.get("/", Host=f"localhost:{served.port}").status == 200


def test_only_reading_is_answered(served: Served) -> None:
    """A request that is neither GET nor HEAD is not implemented."""
    assert {served.get("/", method).status for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {501}


def test_only_the_loopback_interface_is_served(served: Served) -> None:
    """Another address of this machine than 127.0.0.1 refuses the connection."""
    with socket.socket() as client:
        client.settimeout(5)
        # It is of the loopback interface too, but what listens on all addresses would answer there.
        assert client.connect_ex(("127.0.0.2", served.port)) == errno.ECONNREFUSED


def test_the_served_page_may_ask_its_server(served: Served, folder: Path, cli_here: Cli) -> None:
    """The policy of the served copy names the hash of each of its scripts; that on disk knows no connection."""
    page = served.get("/").content.decode()
    cli_here("leaderboard", "--out", str(folder), cwd=folder)
    plain = (folder / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    hashes = re.search(r"script-src ([^;]*);", policy)[1].split()
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)

    made = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
    assert sorted(hashes) == sorted(made)
    assert "connect-src 'self'" in policy
    assert served.version() in scripts[-1]
    assert "connect-src" not in plain
    assert "/-/version" not in plain


def test_the_page_follows_the_records(command: Command, folder: Path, make_record: MakeRecord) -> None:
    """Records that a run adds or replaces are on the page a moment later; without a change the version stays."""
    assert command.said["records"] == 3
    first = command.version()
    facts = ArchitectureFacts(summary="a newcomer")
    write(folder, [make_record(3, architecture_facts=facts, started="2026-01-01T00:00:00+00:00")])
    second = wait_for_another(command, first)
    assert b"a newcomer" in command.get("/").content
    assert command.get("/trials.csv").content.count(b",3,ok,test,") == 1

    write(folder, [make_record(0, status="diverged", scores=None)])
    third = wait_for_another(command, second)
    time.sleep(1.5)
    assert command.version() == third


def test_a_run_can_write_while_the_page_is_served(command: Command, folder: Path, make_record: MakeRecord) -> None:
    """While a run holds the lock, the page is built from what is there; no record is moved or lost."""
    version, store = command.version(), Store(folder)
    with store.locked():
        (folder / "records" / "00").mkdir(exist_ok=True)
        (folder / "records" / "00" / "torn.json").write_bytes(b"{")
        for seed in range(3, 6):
            store.write(make_record(seed))
            version = wait_for_another(command, version)

    assert b"torn.json does not count" in command.get("/").content
    assert (folder / "records" / "00" / "torn.json").exists()
    assert len(store.scan()[0]) == 6


def test_ctrl_c_ends_it_cleanly(command: Command) -> None:
    """Ctrl-C ends the server with 130 and one line, and frees its port."""
    assert command.get("/").status == 200
    code, errors = command.stop()

    assert (code, errors) == (130, "Stopped.\n")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", command.port))


def test_a_port_in_use_is_an_error(served: Served, folder: Path, cli_here: Cli) -> None:
    """A second server on the port says that it is in use, and exits with 2."""
    done = cli_here("leaderboard", "--out", str(folder), "--serve", "--port", str(served.port), cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"benchmark: port {served.port} is in use; choose another with --port, or 0 for any\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "80"], "add --serve"),
        (["--serve", "--parquet"], "leave out --parquet"),
        (["--serve", "--port", "70000"], "70000"),
        (["--publish-url", "example.org"], "such as https://"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    folder: Path, cli_here: Cli, options: list[str], words: str
) -> None:
    """Options that do not go together exit with 2, say so in a line, and write nothing."""
    done = cli_here("leaderboard", "--out", str(folder), *options, cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == {"records", "secret.txt", ".lock"}
