"""A run of the suite, callable from Python and from the command line alike. Importing this loads no heavy library."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archbench._suite._answers import claims as claims
    from archbench._suite._answers import study as study
    from archbench._suite._api import compare as compare
    from archbench._suite._api import read as read
    from archbench._suite._api import reproduce as reproduce
    from archbench._suite._api import run as run
    from archbench._suite._api_networks import export as export
    from archbench._suite._api_networks import load as load
    from archbench._suite._observer import Observer as Observer
    from archbench._suite._results import Results as Results
    from archbench._suite._settings import RunSettings as RunSettings

# A command that trains nothing imports single modules of this package, and should not pay for all.
_ON_DEMAND = {
    "claims": "archbench._suite._answers",
    "study": "archbench._suite._answers",
    "compare": "archbench._suite._api",
    "export": "archbench._suite._api_networks",
    "load": "archbench._suite._api_networks",
    "read": "archbench._suite._api",
    "reproduce": "archbench._suite._api",
    "run": "archbench._suite._api",
    "Observer": "archbench._suite._observer",
    "Results": "archbench._suite._results",
    "RunSettings": "archbench._suite._settings",
}


def __getattr__(name: str) -> object:
    """Return what is loaded on demand."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_ON_DEMAND[name]), name)
    return found
