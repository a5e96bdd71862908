"""The process of a trial before its training: where its output goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from archbench._execution._child import _redirect_output
_redirect_output(Path(sys.argv[1]), shared=sys.argv[2] == "shared")
print("from the trial")
"""


def printed(log: Path, how: str) -> str:
    """Return what reaches the streams of the supervisor from a trial that prints after its output was redirected."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(log), how], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    """What a trial prints stands in its log, which is new."""
    log = tmp_path / "logs" / "ab.log"
    log.parent.mkdir()
    log.write_text("of an earlier trial\n")

    assert printed(log, "alone") == ""
    assert log.read_text() == "from the trial\n"


@pytest.mark.parametrize("how", ["alone", "shared"])
def test_a_log_that_cannot_be_opened_costs_no_trial(how: str, tmp_path: Path) -> None:
    """Where the folder of logs cannot be made, the trial goes on and its output is lost."""
    (tmp_path / "logs").write_text("a file")

    assert printed(tmp_path / "logs" / "ab.log", how) == ""
    assert (tmp_path / "logs").read_text() == "a file"


def test_a_log_is_never_written_through_a_link(tmp_path: Path) -> None:
    """A link in the place of a log that ranks share leads nowhere, and its target stays as it is."""
    target, log = tmp_path / "target", tmp_path / "ab.log"
    target.write_text("somebody's")
    log.symlink_to(target)

    assert printed(log, "shared") == ""
    assert target.read_text() == "somebody's"
