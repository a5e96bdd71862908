"""Plugins: discovery, quarantine, provenance and blocking. Nothing heavy is imported here.

A broken plugin never stops the others. pluggy's own loader stops at the first plugin that cannot be imported, drops
the second of two with one name, ignores a misspelt hook, and lets the error of a generator escape. So each plugin is
imported by itself and registered as `distribution:entry_point`; its results are turned into lists and checked before
any of them counts. Every fault becomes a `Problem`, which `benchmark plugins` shows.
"""

from archbench._plugins._apart import rehearse as rehearse
from archbench._plugins._calling import CallError as CallError
from archbench._plugins._calling import call_apart as call_apart
from archbench._plugins._calling import plain as plain
from archbench._plugins._containment import Stopped as Stopped
from archbench._plugins._containment import contained as contained
from archbench._plugins._containment import is_stop as is_stop
from archbench._plugins._containment import left_behind as left_behind
from archbench._plugins._containment import raise_if_stopped as raise_if_stopped
from archbench._plugins._deferral import complete as complete
from archbench._plugins._discovery import BUILT_IN as BUILT_IN
from archbench._plugins._discovery import find_candidate as find_candidate
from archbench._plugins._discovery import plugins_from_environment as plugins_from_environment
from archbench._plugins._ending import adopt_descendants as adopt_descendants
from archbench._plugins._ending import end_with_parent as end_with_parent
from archbench._plugins._ending import name_of_signal as name_of_signal
from archbench._plugins._faults import Problem as Problem
from archbench._plugins._faults import one_line as one_line
from archbench._plugins._loaded import Plugins as Plugins
from archbench._plugins._loaded import describe as describe
from archbench._plugins._loading import load_plugins as load_plugins
from archbench._plugins._loading import load_source as load_source
from archbench._plugins._measured import resolution_of as resolution_of
from archbench._plugins._provenance import PluginSource as PluginSource
from archbench._plugins._provenance import PluginStatus as PluginStatus
from archbench._plugins._provenance import Registered as Registered
from archbench._plugins._provenance import plugin_of as plugin_of
from archbench._plugins._sources import fingerprint_of as fingerprint_of

__all__ = [
    "CallError",
    "PluginSource",
    "PluginStatus",
    "Plugins",
    "Problem",
    "Registered",
    "Stopped",
    "adopt_descendants",
    "call_apart",
    "complete",
    "contained",
    "describe",
    "end_with_parent",
    "fingerprint_of",
    "is_stop",
    "left_behind",
    "load_plugins",
    "load_source",
    "name_of_signal",
    "one_line",
    "plain",
    "plugin_of",
    "plugins_from_environment",
    "raise_if_stopped",
    "rehearse",
    "resolution_of",
]
