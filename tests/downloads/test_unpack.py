"""Archives from strangers: either everything is unpacked below the folder, or nothing."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from archbench import DataError, RemoteFile
from archbench._downloads import _unpack, find_damage, state
from archbench._downloads._prepare import prepare
from support import Contents

MEMBERS = {"top/a.txt": b"alpha", "top/deep/b.txt": b"beta" * 100}


def quiet(event: str, needed: RemoteFile, done: int = 0) -> None:
    """Report nothing."""


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: Any = "w:gz") -> bytes:
    """Return a tar archive of these members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return the header of a tar member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zipped(*members: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """Return a zip archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def zip_link(name: str) -> zipfile.ZipInfo:
    """Return the header of a symbolic link in a zip archive."""
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def plain(mode: str) -> bytes:
    """Return `MEMBERS` in an archive."""
    if mode == "zip":
        return zipped(*((zipfile.ZipInfo(name), content) for name, content in MEMBERS.items()))
    return tar(*((entry(name), content) for name, content in MEMBERS.items()), mode=mode)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2", "w:", "zip"])
def test_unpacks(mode: str, site: Any, cache: Path) -> None:
    """Every usual archive is unpacked into its folder, and a member that was changed or deleted is found."""
    needed = site.remote("set.archive", plain(mode), unpack="set/unpacked")

    prepare([needed], quiet)

    folder = cache / "set/unpacked"
    assert {name: (folder / name).read_bytes() for name in MEMBERS} == MEMBERS
    assert (state(needed), find_damage(needed)) == ("ready", "")
    (folder / "top/a.txt").write_text("other")
    advice = f"; delete the folder {folder} and run `benchmark data prepare`"
    assert find_damage(needed) == f"{folder / 'top/a.txt'}: changed since it was unpacked{advice}"
    (folder / "top/a.txt").unlink()
    assert find_damage(needed) == f"{folder / 'top/a.txt'}: it was unpacked, and is gone{advice}"
    shutil.rmtree(folder)
    assert find_damage(needed) == f"{cache / 'set/set.archive'}: not unpacked; run `benchmark data prepare`"
    prepare([needed], quiet)
    assert (state(needed), find_damage(needed)) == ("ready", "")


HOSTILE = {
    "parent": (tar((entry("../evil"), b"x")), "leads out"),
    "parent inside": (tar((entry("a/../../evil"), b"x")), "leads out"),
    "absolute": (tar((entry("/elsewhere/evil"), b"x")), "leads out"),
    "symbolic link": (tar((entry("link", tarfile.SYMTYPE, "/etc"), b""), (entry("link/evil"), b"x")), "a link"),
    "hard link": (tar((entry("a"), b"x"), (entry("b", tarfile.LNKTYPE, "a"), b"")), "a link"),
    "device": (tar((entry("null", tarfile.CHRTYPE), b"")), "a device"),
    "pipe": (tar((entry("pipe", tarfile.FIFOTYPE), b"")), "a device"),
    "twice": (tar((entry("a"), b"x"), (entry("a"), b"y")), "twice"),
    "bomb": (tar((entry("zeros"), bytes(1 << 25))), "times its size"),
    "file and folder": (tar((entry("a"), b"x"), (entry("a/b"), b"y")), "'a/b', which cannot be made"),
    "folder and file": (tar((entry("a/b"), b"x"), (entry("a"), b"y")), "'a', which cannot be made"),
    "long name": (tar((entry("n" * 300), b"x")), "which cannot be made"),
    "zip file and folder": (zipped((zipfile.ZipInfo("a"), b"x"), (zipfile.ZipInfo("a/b"), b"y")), "cannot be made"),
    "zip parent": (zipped((zipfile.ZipInfo("../evil"), b"x")), "leads out"),
    "zip absolute": (zipped((zipfile.ZipInfo("/evil"), b"x")), "leads out"),
    "zip backslash": (zipped((zipfile.ZipInfo("..\\evil"), b"x")), "leads out"),
    "zip link": (zipped((zip_link("link"), b"/etc")), "a link"),
    "zip bomb": (zipped((zipfile.ZipInfo("zeros"), bytes(1 << 25))), "times its size"),
    "truncated gzip": (plain("w:gz")[:-40], "is damaged"),
    "truncated tar": (plain("w:")[:700], "is damaged"),
    "truncated xz": (plain("w:xz")[:-40], "is damaged"),
    "truncated zip": (plain("zip")[:-40], "is damaged"),
    "no archive": (b"hello" * 1000, "is damaged"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives(kind: str, site: Any, cache: Path, contents: Contents) -> None:
    """A member that leaves the folder, fills the disk or cannot be read is refused; only the archive is kept."""
    content, message = HOSTILE[kind]
    needed = site.remote("set.archive", content, unpack="set/unpacked")

    with pytest.raises(DataError, match=message):
        prepare([needed], quiet)

    assert contents(cache) == {"set", "set/set.archive", "set/.set.archive.checked"}
    assert contents(cache.parent) == {"cache", *(f"cache/{name}" for name in contents(cache))}
    assert state(needed) == "unchecked"


def test_too_many_members(site: Any, cache: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with more members than any data set is refused."""
    monkeypatch.setattr(_unpack, "MEMBERS", 1)
    with pytest.raises(DataError, match="more than 1 members"):
        prepare([site.remote("set.archive", plain("w:gz"), unpack="set/unpacked")], quiet)
    assert "set/unpacked" not in contents(cache)


def test_folder_that_is_not_ours_is_left_alone(site: Any, cache: Path) -> None:
    """A folder of the user at the place of the unpacked files is not touched; an older unpacking is replaced."""
    needed = site.remote("set.archive", plain("w:gz"), unpack="set/unpacked")
    (cache / "set/unpacked").mkdir(parents=True)
    (cache / "set/unpacked/mine").write_text("keep")
    with pytest.raises(DataError, match="was not made by"):
        prepare([needed], quiet)
    assert (cache / "set/unpacked/mine").read_text() == "keep"

    (cache / "set/unpacked/mine").unlink()
    prepare([needed], quiet)
    site.files.clear()
    newer = site.remote("set.archive", tar((entry("new"), b"n")), unpack="set/unpacked")
    (cache / "set/set.archive").unlink()
    assert state(newer) == "missing"
    prepare([newer], quiet)
    assert sorted(p.name for p in (cache / "set/unpacked").iterdir() if p.name[0] != ".") == ["new"]
