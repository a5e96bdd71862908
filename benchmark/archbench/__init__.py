"""The one package that a plugin imports. Importing it loads neither torch nor numpy."""

from msgspec import Meta as Meta

from archbench._data import LocalFolder as LocalFolder
from archbench._data import RemoteFile as RemoteFile
from archbench._data import data_folder as data_folder
from archbench._declarations import IGNORED as IGNORED
from archbench._declarations import Architecture as Architecture
from archbench._declarations import Examples as Examples
from archbench._declarations import Outputs as Outputs
from archbench._declarations import PaperRecipe as PaperRecipe
from archbench._declarations import Section as Section
from archbench._declarations import Splits as Splits
from archbench._declarations import Task as Task
from archbench._declarations import TaskInfo as TaskInfo
from archbench._errors import ArchbenchError as ArchbenchError
from archbench._errors import DataError as DataError
from archbench._errors import DeclarationError as DeclarationError
from archbench._errors import DeviceError as DeviceError
from archbench._errors import IncompatibleError as IncompatibleError
from archbench._errors import PluginError as PluginError
from archbench._errors import ProtocolError as ProtocolError
from archbench._errors import RecordError as RecordError
from archbench._errors import SelectionError as SelectionError
from archbench._errors import StoreError as StoreError
from archbench._readers import Found as Found
from archbench._readers import Reader as Reader
from archbench._records import Record as Record
from archbench._trial import Trial as Trial
from archbench.hookspecs import hookimpl as hookimpl

__all__ = [
    "IGNORED",
    "ArchbenchError",
    "Architecture",
    "DataError",
    "DeclarationError",
    "DeviceError",
    "Examples",
    "Found",
    "IncompatibleError",
    "LocalFolder",
    "Meta",
    "Outputs",
    "PaperRecipe",
    "PluginError",
    "ProtocolError",
    "Reader",
    "Record",
    "RecordError",
    "RemoteFile",
    "Section",
    "SelectionError",
    "Splits",
    "StoreError",
    "Task",
    "TaskInfo",
    "Trial",
    "data_folder",
    "hookimpl",
]
__version__ = "0.1.0"
