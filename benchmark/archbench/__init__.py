"""The one package that a plugin imports. Importing it loads nothing: each name is loaded on its first use."""

import importlib
from typing import TYPE_CHECKING

from archbench._version import __version__ as __version__

if TYPE_CHECKING:
    from msgspec import Meta as Meta

    from archbench._declarations import IGNORED as IGNORED
    from archbench._declarations import Architecture as Architecture
    from archbench._declarations import ArrayLike as ArrayLike
    from archbench._declarations import Block as Block
    from archbench._declarations import Chart as Chart
    from archbench._declarations import Claim as Claim
    from archbench._declarations import Examples as Examples
    from archbench._declarations import Findings as Findings
    from archbench._declarations import Fitted as Fitted
    from archbench._declarations import Found as Found
    from archbench._declarations import Line as Line
    from archbench._declarations import Outputs as Outputs
    from archbench._declarations import Part as Part
    from archbench._declarations import Picture as Picture
    from archbench._declarations import Prepared as Prepared
    from archbench._declarations import Published as Published
    from archbench._declarations import Reader as Reader
    from archbench._declarations import Section as Section
    from archbench._declarations import Splits as Splits
    from archbench._declarations import Study as Study
    from archbench._declarations import TargetScale as TargetScale
    from archbench._declarations import Task as Task
    from archbench._declarations import TaskInfo as TaskInfo
    from archbench._declarations import TorchLoss as TorchLoss
    from archbench._declarations import TorchMetric as TorchMetric
    from archbench._downloads import LocalFolder as LocalFolder
    from archbench._downloads import RemoteFile as RemoteFile
    from archbench._downloads import data_folder as data_folder
    from archbench._errors import ArchbenchError as ArchbenchError
    from archbench._errors import ClusterError as ClusterError
    from archbench._errors import DataError as DataError
    from archbench._errors import DeclarationError as DeclarationError
    from archbench._errors import DeviceError as DeviceError
    from archbench._errors import IncompatibleError as IncompatibleError
    from archbench._errors import PluginError as PluginError
    from archbench._errors import ProtocolError as ProtocolError
    from archbench._errors import RecordError as RecordError
    from archbench._errors import SelectionError as SelectionError
    from archbench._errors import StoreError as StoreError
    from archbench._errors import UnknownNameError as UnknownNameError
    from archbench._protocols import Probes as Probes
    from archbench._protocols import Protocol as Protocol
    from archbench._protocols import Recipe as Recipe
    from archbench._protocols import Tuning as Tuning
    from archbench._protocols import equal_steps as equal_steps
    from archbench._records import Reading as Reading
    from archbench._records import Record as Record
    from archbench._records import Trial as Trial
    from archbench._studies import StudyData as StudyData
    from archbench._suite import Observer as Observer
    from archbench._suite import Results as Results
    from archbench._suite import claims as claims
    from archbench._suite import compare as compare
    from archbench._suite import export as export
    from archbench._suite import load as load
    from archbench._suite import read as read
    from archbench._suite import reproduce as reproduce
    from archbench._suite import run as run
    from archbench._suite import study as study
    from archbench.hookspecs import hookimpl as hookimpl

_ON_DEMAND = {
    "IGNORED": "archbench._declarations",
    "ArchbenchError": "archbench._errors",
    "Architecture": "archbench._declarations",
    "ArrayLike": "archbench._declarations",
    "Block": "archbench._declarations",
    "Chart": "archbench._declarations",
    "Claim": "archbench._declarations",
    "ClusterError": "archbench._errors",
    "DataError": "archbench._errors",
    "DeclarationError": "archbench._errors",
    "DeviceError": "archbench._errors",
    "Examples": "archbench._declarations",
    "Findings": "archbench._declarations",
    "Fitted": "archbench._declarations",
    "Found": "archbench._declarations",
    "IncompatibleError": "archbench._errors",
    "Line": "archbench._declarations",
    "LocalFolder": "archbench._downloads",
    "Meta": "msgspec",
    "Observer": "archbench._suite._observer",
    "Outputs": "archbench._declarations",
    "Part": "archbench._declarations",
    "Picture": "archbench._declarations",
    "PluginError": "archbench._errors",
    "Prepared": "archbench._declarations",
    "Probes": "archbench._protocols",
    "Protocol": "archbench._protocols",
    "ProtocolError": "archbench._errors",
    "Published": "archbench._declarations",
    "Reader": "archbench._declarations",
    "Reading": "archbench._records",
    "Recipe": "archbench._protocols",
    "Record": "archbench._records",
    "RecordError": "archbench._errors",
    "RemoteFile": "archbench._downloads",
    "Results": "archbench._suite._results",
    "Section": "archbench._declarations",
    "SelectionError": "archbench._errors",
    "Splits": "archbench._declarations",
    "StoreError": "archbench._errors",
    "Study": "archbench._declarations",
    "StudyData": "archbench._studies._data",
    "TargetScale": "archbench._declarations",
    "Task": "archbench._declarations",
    "TaskInfo": "archbench._declarations",
    "TorchLoss": "archbench._declarations",
    "TorchMetric": "archbench._declarations",
    "Trial": "archbench._records",
    "Tuning": "archbench._protocols",
    "UnknownNameError": "archbench._errors",
    "claims": "archbench._suite._answers",
    "compare": "archbench._suite._api",
    "data_folder": "archbench._downloads",
    "equal_steps": "archbench._protocols",
    "export": "archbench._suite._api_networks",
    "hookimpl": "archbench.hookspecs",
    "load": "archbench._suite._api_networks",
    "read": "archbench._suite._api",
    "reproduce": "archbench._suite._api",
    "run": "archbench._suite._api",
    "study": "archbench._suite._answers",
}

__all__ = [
    "IGNORED",
    "ArchbenchError",
    "Architecture",
    "ArrayLike",
    "Block",
    "Chart",
    "Claim",
    "ClusterError",
    "DataError",
    "DeclarationError",
    "DeviceError",
    "Examples",
    "Findings",
    "Fitted",
    "Found",
    "IncompatibleError",
    "Line",
    "LocalFolder",
    "Meta",
    "Observer",
    "Outputs",
    "Part",
    "Picture",
    "PluginError",
    "Prepared",
    "Probes",
    "Protocol",
    "ProtocolError",
    "Published",
    "Reader",
    "Reading",
    "Recipe",
    "Record",
    "RecordError",
    "RemoteFile",
    "Results",
    "Section",
    "SelectionError",
    "Splits",
    "StoreError",
    "Study",
    "StudyData",
    "TargetScale",
    "Task",
    "TaskInfo",
    "TorchLoss",
    "TorchMetric",
    "Trial",
    "Tuning",
    "UnknownNameError",
    "claims",
    "compare",
    "data_folder",
    "equal_steps",
    "export",
    "hookimpl",
    "load",
    "read",
    "reproduce",
    "run",
    "study",
]


def __getattr__(name: str) -> object:
    """Return what is loaded on demand."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_ON_DEMAND[name]), name)
    return found


def __dir__() -> list[str]:
    """Return the names for completion, loaded or not."""
    return sorted({*globals(), *__all__})
