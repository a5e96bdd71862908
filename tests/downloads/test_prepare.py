"""Downloads: whatever the server does, the final name of a file is that of the declared file, or of none."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

import archbench
from archbench import DataError, DeclarationError, LocalFolder, RemoteFile, data_folder
from archbench._downloads import _fetch, find_damage, missing, state
from archbench._downloads._prepare import prepare
from support import Contents, Make

CONTENT = np.random.default_rng(0).bytes(100_000)


def quiet(event: str, needed: RemoteFile, done: int = 0) -> None:
    """Report nothing."""


def test_download(site: Any, cache: Path, contents: Contents) -> None:
    """The whole file is downloaded and noted as checked, and a second call opens no connection."""
    needed = site.remote("a.bin", CONTENT)
    events: list[tuple[str, int]] = []
    assert missing([needed]) == [needed]

    prepare([needed], lambda event, needed, done=0: events.append((event, done)))
    prepare([needed], quiet)

    assert (cache / "set/a.bin").read_bytes() == CONTENT
    assert contents(cache) == {"set", "set/a.bin", "set/.a.bin.checked"}
    assert (state(needed), find_damage(needed)) == ("ready", "")
    assert site.asked == [("/a.bin", None)]
    assert events[-2:] == [("download", len(CONTENT)), ("ready", 0)]


@pytest.mark.parametrize("tag", ['"v1"', ""])
def test_broken_connection_is_resumed(tag: str, site: Any, cache: Path, contents: Contents) -> None:
    """A download that breaks off twice is resumed where it stopped, and ends with the right bytes."""
    needed = site.remote("a.bin", CONTENT)
    site.tags = {"/a.bin": tag} if tag else {}
    site.break_after = {"/a.bin": [30_000, 20_000]}

    prepare([needed], quiet)

    assert site.asked == [("/a.bin", None), ("/a.bin", "bytes=30000-"), ("/a.bin", "bytes=50000-")]
    assert contents(cache) == {"set", "set/a.bin", "set/.a.bin.checked"}


def test_server_without_ranges_sends_all_again(site: Any, cache: Path) -> None:
    """If the server ignores the request for a range, the download starts again from the first byte."""
    needed = site.remote("a.bin", CONTENT)
    site.ranges = False
    site.break_after = {"/a.bin": [30_000]}

    prepare([needed], quiet)

    assert (cache / "set/a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("tagged", [True, False])
def test_file_that_changes_meanwhile_is_downloaded_again(tagged: bool, site: Any, cache: Path) -> None:
    """If the file on the server has changed, no byte of the old one is kept, with and without a tag of its version."""
    needed = site.remote("a.bin", CONTENT)
    site.files["/a.bin"] = bytes(len(CONTENT))
    site.tags = {"/a.bin": '"old"'} if tagged else {}
    site.break_after = {"/a.bin": [30_000]}

    def replace() -> None:
        if len(site.asked) == 2:
            site.files["/a.bin"] = CONTENT
            site.tags = {"/a.bin": '"new"'} if tagged else {}

    site.wait = replace
    prepare([needed], quiet)

    assert (cache / "set/a.bin").read_bytes() == CONTENT
    assert len(site.asked) == (2 if tagged else 3)


def test_failed_download_is_resumed_by_the_next_call(site: Any, cache: Path, contents: Contents) -> None:
    """If every attempt fails, the message says how many bytes are kept, and the next call resumes there."""
    needed = site.remote("a.bin", CONTENT)
    site.break_after = {"/a.bin": [30_000, 0, 0, 0]}
    with pytest.raises(DataError, match=r"broke off after 30,000 of 100,000 bytes.*30,000 of 100,000 bytes are kept"):
        prepare([needed], quiet)
    assert not (cache / "set").exists()
    assert all(name.startswith(".partial") for name in contents(cache))

    site.asked.clear()
    prepare([needed], quiet)

    assert site.asked == [("/a.bin", "bytes=30000-")]
    assert contents(cache) == {"set", "set/a.bin", "set/.a.bin.checked"}


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_wrong_checksum(kind: str, site: Any, cache: Path, contents: Contents) -> None:
    """A file with a wrong checksum is deleted; the message has both checksums and what to do."""
    wrong = bytes(len(CONTENT))
    sums = {"sha256": "", "md5": "", kind: hashlib.new(kind, CONTENT).hexdigest()}
    needed = site.remote("a.bin", CONTENT, **sums)
    site.files["/a.bin"] = wrong

    with pytest.raises(DataError) as error:
        prepare([needed], quiet)

    for part in (site.address, hashlib.new(kind, wrong).hexdigest(), sums[kind], str(cache / "set/a.bin"), "yourself"):
        assert part in str(error.value)
    assert contents(cache) == set()
    assert len(site.asked) == 1


def test_another_size_is_refused_at_once(site: Any, cache: Path, contents: Contents) -> None:
    """A file that the server announces with another size is not downloaded."""
    needed = site.remote("a.bin", CONTENT, size=len(CONTENT) - 1)

    with pytest.raises(DataError, match="has a file of 100,000 bytes, declared are 99,999"):
        prepare([needed], quiet)
    assert contents(cache) == set()


def test_mirrors(site: Any, cache: Path) -> None:
    """The next address is tried if one has no file, or another file."""
    site.files["/wrong.bin"] = bytes(len(CONTENT))
    urls = tuple(f"{site.address}/{name}" for name in ("nothing.bin", "wrong.bin", "a.bin"))
    needed = site.remote("a.bin", CONTENT, urls=urls)

    prepare([needed], quiet)

    assert [path for path, _ in site.asked] == ["/nothing.bin", "/wrong.bin", "/a.bin"]
    assert (cache / "set/a.bin").read_bytes() == CONTENT


def test_all_addresses_are_named_with_what_happened(site: Any, cache: Path, contents: Contents) -> None:
    """If no address has the file, the message lists them with what happened at each."""
    urls = (f"{site.address}/nothing.bin", "http://127.0.0.1:9/a.bin")
    needed = site.remote("a.bin", CONTENT, urls=urls)

    with pytest.raises(DataError) as error:
        prepare([needed], quiet)

    assert f"{urls[0]} answers 404 Not Found" in str(error.value)
    assert f"{urls[1]} does not answer" in str(error.value)
    assert contents(cache) == set()


def test_redirects(site: Any, cache: Path, contents: Contents) -> None:
    """A redirect is followed, but not to http on another machine: no connection is opened there."""
    needed = site.remote("a.bin", CONTENT)
    site.redirects = {"/a.bin": f"{site.address}/moved.bin"}
    site.files["/moved.bin"] = CONTENT
    prepare([needed], quiet)
    assert (cache / "set/a.bin").read_bytes() == CONTENT

    other = site.remote("b.bin", CONTENT)
    site.redirects["/b.bin"] = "http://example.invalid/b.bin"
    with pytest.raises(DataError, match=r"redirected to http://example\.invalid/b\.bin, which is not https"):
        prepare([other], quiet)
    assert contents(cache) == {"set", "set/a.bin", "set/.a.bin.checked"}


def test_https_does_not_redirect_to_http() -> None:
    """A redirect from https to http is refused, even on this machine."""
    import urllib.request

    request = urllib.request.Request("https://example.invalid/a")
    with pytest.raises(_fetch._FetchError, match="is not https"):
        _fetch._CarefulRedirects().redirect_request(request, None, 302, "", {}, "http://127.0.0.1/a")  # type: ignore[arg-type]


def test_two_at_once_download_once(site: Any, cache: Path) -> None:
    """Two processes that prepare the same file make one download; the second waits and says so."""
    needed = site.remote("a.bin", CONTENT)
    begun = threading.Event()
    waits = threading.Event()
    site.wait = lambda: (begun.set(), waits.wait(20))

    code = (
        "from archbench import RemoteFile; from archbench._downloads._prepare import prepare\n"
        f"needed = {needed!r}\n"
        "prepare([needed], lambda event, needed, done=0: print(event, flush=True) if event != 'download' else None)"
    )
    first, second = None, None
    try:
        first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert begun.wait(20)
        second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == "wait\n"
        waits.set()
        assert first.communicate(timeout=20)[0].endswith("ready\n")
        assert second.communicate(timeout=20)[0] == "ready\n"
    finally:
        waits.set()
        for process in (first, second):
            if process is not None:
                process.kill()
                process.communicate()
    assert len(site.asked) == 1
    assert state(needed) == "ready"


def test_file_put_there_by_hand(site: Any, cache: Path) -> None:
    """A file that the user put in place counts once `prepare` has compared it, without a connection."""
    needed = site.remote("a.bin", CONTENT)
    (cache / "set").mkdir(parents=True)
    (cache / "set/a.bin").write_bytes(CONTENT)
    assert state(needed) == "unchecked"
    prepare([needed], quiet)
    assert state(needed) == "ready"
    assert site.asked == []

    (cache / "set/a.bin").write_bytes(bytes(len(CONTENT)))
    assert state(needed) == "unchecked"
    with pytest.raises(DataError, match="move it away"):
        prepare([needed], quiet)
    assert (cache / "set/a.bin").exists()
    assert find_damage(needed).startswith(f"{cache / 'set/a.bin'}: its sha256 is")


def test_folder_that_cannot_be_written(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder that is a file, and a disk that is too small, are one-line errors."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match="name another folder in ARCHBENCH_DATA"):
        prepare([site.remote("a.bin", CONTENT)], quiet)

    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="1,000,000,000,000,000 more bytes"):
        prepare([site.remote("a.bin", CONTENT, size=10**15)], quiet)


def test_one_path_for_two_files(site: Any, cache: Path) -> None:
    """Two tasks may share a file, but not a path for different files."""
    needed = site.remote("a.bin", CONTENT)
    with pytest.raises(DataError, match=r"two tasks declare different files as set/a\.bin"):
        prepare([needed, site.remote("a.bin", CONTENT, sha256="0" * 64)], quiet)
    first, second = (site.remote(name, name.encode(), unpack="set/all") for name in ("b.zip", "c.zip"))
    with pytest.raises(DataError, match="different files as set/all"):
        prepare([first, second], quiet)
    assert site.asked == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": ["mnist"]}, "files must be a tuple"),
        ({"files": ("mnist",)}, "files must be a tuple"),
        ({"augment": "flip"}, "write 'package.module:function'"),
        ({"augment": 3}, "augment must be a function"),
    ],
)
def test_tasks_are_checked(change: dict[str, Any], message: str, make_task: Make) -> None:
    """A task whose files or augmentation are of a wrong type is refused when it is declared."""
    with pytest.raises(DeclarationError, match=message):
        make_task(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "../a"}, "not a path below"),
        ({"path": "/a"}, "not a path below"),
        ({"path": "a//b"}, "not a path below"),
        ({"path": ".partial/a"}, "not a path below"),
        ({"unpack": "a/../.."}, "not a path below"),
        ({"unpack": "set"}, "where the archive lies"),
        ({"urls": ()}, "at least one"),
        ({"urls": ("http://example.org/a",)}, "is not https"),
        ({"urls": ("ftp://example.org/a",)}, "is not https"),
        ({"urls": ("file:///etc/passwd",)}, "names no host"),
        ({"size": 0}, "number of bytes"),
        ({"sha256": "abc"}, "64 lower-case"),
        ({"sha256": ""}, "give its sha256"),
    ],
)
def test_declarations_are_checked(change: dict[str, Any], message: str) -> None:
    """A file with a wrong path, address, size or checksum is refused when it is declared."""
    values: dict[str, Any] = {"path": "set/a", "urls": ("https://example.org/a",), "size": 1, "sha256": "0" * 64}
    RemoteFile(**values)
    with pytest.raises(DeclarationError, match=message):
        RemoteFile(**{**values, **change})


def test_guide_declares_files_correctly() -> None:
    """The declaration in the guide for authors is valid."""
    guide = (Path(__file__).parents[2] / "docs/authors.md").read_text()
    (code,) = re.findall(r"```py\n(files = .*?)```", guide, re.S)
    found: dict[str, Any] = {"archbench": archbench}
    exec(code, found)

    assert [type(file) for file in found["files"]] == [RemoteFile]


def test_folder_of_the_user(cache: Path) -> None:
    """A folder that users fill is ready once there is something in it."""
    needed = LocalFolder(path="photos", advice="put your photos there")
    assert state(needed) == "missing"
    (cache / "photos/cat").mkdir(parents=True)
    assert state(needed) == "ready"
    with pytest.raises(DeclarationError, match="advice is empty"):
        LocalFolder(path="photos", advice=" ")


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        (Unix, {"ARCHBENCH_DATA": "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        (Unix, {"XDG_CACHE_HOME": "/c"}, "/c/archbench/data"),
        (Unix, {"XDG_CACHE_HOME": "c", "HOME": "/h"}, "/h/.cache/archbench/data"),
        (Unix, {"HOME": "/h"}, "/h/.cache/archbench/data"),
        (MacOS, {"ARCHBENCH_DATA": "/a/b"}, "/a/b"),
        (MacOS, {"HOME": "/h"}, "/h/Library/Caches/archbench/data"),
    ],
)
def test_data_folder(system: type, environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is the one that `ARCHBENCH_DATA` names, else one in the cache folder of the system."""
    monkeypatch.setattr("platformdirs.PlatformDirs", system)
    for name in ("ARCHBENCH_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert data_folder() == Path(folder)
