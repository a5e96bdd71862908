"""The suite that is struck: few parameters, many trials."""

from __future__ import annotations

from pathlib import Path

from archbench._chaos import find_subject
from archbench._chaos._round import Ground, Round
from archbench._chaos._subject import Subject, Undisturbed
from archbench._plugins import load_plugins

PLUGIN = """
import archbench

def declare(name, count):
    task = archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
    return archbench.Architecture(
        name=name, build="torch.nn:Linear", inputs=("image",), parameters={name: (task, count)}
    )

@archbench.hookimpl
def archbench_architectures():
    yield declare("three", 3)
    yield declare("four-million", 4_000_000)
    yield declare("one", 1)
    yield declare("two", 2)
"""


def test_the_smallest_networks_are_struck(tmp_path: Path) -> None:
    """Those that declare the fewest parameters take part, the smallest first, whatever their names are."""
    (tmp_path / "sizes.py").write_text(PLUGIN)
    subject = find_subject(load_plugins(files=[tmp_path / "sizes.py"]))

    assert subject.architectures == ("one", "two", "three")
    assert len(subject.architectures) * 3 >= 6
    assert subject.arguments(tmp_path)[:4] == ["run", "one", "two", "three"]


def test_a_run_that_goes_on_takes_less_time(tmp_path: Path) -> None:
    """With half of the trials finished, half of the time between the first and the last record is left."""
    undisturbed = Undisturbed(first=1.0, last=5.0, seconds=6.0, numbers=dict.fromkeys("abcd"), out=tmp_path)
    round_ = Round(Ground(Subject(("net",), "task"), undisturbed), tmp_path / "round")
    whole = (round_.training, round_.seconds)
    round_.finished = {tmp_path / "a.json": b"", tmp_path / "b.json": b""}

    assert whole == (5.0, 6.0)
    assert (round_.training, round_.seconds) == (3.0, 4.0)
