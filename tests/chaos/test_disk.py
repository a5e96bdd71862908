"""A failing disk: which calls are counted, which of them fail, and how a write leaves half of its bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import Count

# In a process of its own, because an audit hook stays for as long as the process lives.
SCRIPT = """
import json, os, sys
from pathlib import Path
from archbench._chaos._disk import FailingDisk
from archbench._errors import StoreError
from archbench._records import write_atomically

root, at, full = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "full"
disk = FailingDisk(root, at, full=full)
disk.install()
(root.parent / "elsewhere").write_text("not counted")
raised = ""
try:
    write_atomically(root / "file", b"0123456789")
except StoreError as error:
    raised = str(error)
finally:
    disk.at = 0
print(json.dumps({"calls": disk.calls, "failed": disk.failed, "raised": raised, "left": os.listdir(root)}))
"""


def wrote(root: Path, at: int, how: str = "once") -> dict[str, Any]:
    """Write a file on a disk that fails at a call, in a process of its own."""
    root.mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(root), str(at), how], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_calls_of_one_atomic_write(tmp_path: Path) -> None:
    """Remove, create, write, flush, rename, open the folder and flush it are counted, and calls elsewhere are not."""
    found = wrote(tmp_path / "out", 0)

    assert (found["failed"], found["raised"], found["left"]) == ([], "", ["file"])
    assert 7 <= found["calls"] <= 12


@pytest.mark.parametrize("how", ["once", "full"])
def test_every_call_can_fail(how: str, tmp_path: Path, count: Count) -> None:
    """Each call raises in turn; the file is there whole or not at all."""
    calls, kinds = wrote(tmp_path / "counted" / "out", 0)["calls"], set()
    count(calls - 1, "file calls that fail")
    for at in range(1, calls):
        found = wrote(tmp_path / str(at) / "out", at, how)
        path = tmp_path / str(at) / "out" / "file"
        kinds |= {*found["failed"]}

        assert not path.exists() or path.read_text() == "0123456789"
        assert bool(found["raised"]) or path.exists()
    assert {"open", "write", "fsync"} <= kinds
    assert ("os.rename" in kinds) == (how == "once")


def test_a_write_that_fails_has_written_half(tmp_path: Path) -> None:
    """A file that is written in place is torn by a write that fails, as on a real disk."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom archbench._chaos._disk import FailingDisk\n"
        "root = Path(sys.argv[1])\nFailingDisk(root, 2, full=False).install()\n"
        "try:\n    with open(root / 'file', 'wb') as file:\n        file.write(b'0123456789')\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", script, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "5\n"
    assert (tmp_path / "out" / "file").read_bytes() == b"01234"
