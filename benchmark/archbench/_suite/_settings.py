"""How a run is carried out, beside what it trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from archbench._errors import SelectionError

if TYPE_CHECKING:
    from archbench._planning import PlannedTrial
    from archbench._records import Weights

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
Keep = Literal["selected", "last", "none"]

DEFAULT_OUT = Path("leaderboard")

MAX_SEEDS = 10
"""Where a sequential comparison ends if nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How a run is carried out. None of it changes a result.

    Args:
        out: folder of the records and the leaderboard.
        device: where to train; `auto` takes the GPUs of CUDA if there are any; `mps` is the GPU of a Mac.
        workers: trials at a time; None for as many as there are GPUs, or cores.
        timeout: seconds after which a trial is ended; None for the limit of the protocol.
        retry: repeat trials that did not end ok.
        keep: which weights of every trial to keep, `selected`, `last` or `none`; None for `selected` where people's
            own data are trained on, and for none elsewhere.

    Raises:
        SelectionError: a value is not allowed.
    """

    out: Path = DEFAULT_OUT
    device: DeviceChoice = "auto"
    workers: int | None = None
    timeout: float | None = None
    retry: bool = False
    keep: Keep | None = None

    def __post_init__(self) -> None:
        if self.keep not in (None, *get_args(Keep)):
            raise SelectionError(f"keep is {self.keep!r}; give one of {', '.join(get_args(Keep))}")
        if self.device not in get_args(DeviceChoice):
            raise SelectionError(f"device is {self.device!r}; give one of {', '.join(get_args(DeviceChoice))}")
        if self.timeout is not None and not self.timeout > 0:
            raise SelectionError(f"timeout is {self.timeout:g}; give a positive number of seconds")
        if self.workers is not None and self.workers < 1:
            raise SelectionError(f"workers is {self.workers}; at least 1 is needed")

    def weights_of(self, planned: PlannedTrial) -> Weights | None:
        """Return which weights of a trial to keep."""
        if planned.trial.tuning or self.keep == "none":
            return None
        own = planned.cell.task.registered.own_data is not None
        return self.keep or ("selected" if own else None)
