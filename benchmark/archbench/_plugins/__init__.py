"""Plugins: discovery, quarantine, provenance and blocking. Nothing heavy is imported here.

One broken plugin never takes the others down. pluggy's own loader stops at the first that cannot be imported,
drops the second of two with one name, ignores a misspelt hook, and lets the error of a generator escape. So each
is imported by itself, registered as `distribution:entry_point`, and its results are made into lists and checked
before any of them counts. What is wrong becomes a `Problem`, which `benchmark plugins` shows.
"""

from archbench._plugins._discovery import plugins_from_environment as plugins_from_environment
from archbench._plugins._faults import Problem as Problem
from archbench._plugins._loading import Plugins as Plugins
from archbench._plugins._loading import describe as describe
from archbench._plugins._loading import load_plugins as load_plugins
from archbench._plugins._loading import load_source as load_source
from archbench._plugins._provenance import PluginSource as PluginSource
from archbench._plugins._provenance import PluginStatus as PluginStatus
from archbench._plugins._provenance import Registered as Registered

__all__ = [
    "PluginSource",
    "PluginStatus",
    "Plugins",
    "Problem",
    "Registered",
    "describe",
    "load_plugins",
    "load_source",
    "plugins_from_environment",
]
