"""Declarations of plugins: architectures, tasks, readers of own files, page sections. Free of torch and numpy."""

from archbench._declarations._architecture import Architecture as Architecture
from archbench._declarations._architecture import Outputs as Outputs
from archbench._declarations._architecture import Published as Published
from archbench._declarations._metrics import METRICS as METRICS
from archbench._declarations._metrics import Loss as Loss
from archbench._declarations._metrics import Metric as Metric
from archbench._declarations._metrics import MetricRules as MetricRules
from archbench._declarations._options import Declared as Declared
from archbench._declarations._options import convert_options as convert_options
from archbench._declarations._options import listed_options as listed_options
from archbench._declarations._options import option_names as option_names
from archbench._declarations._reader import CONTENT_DIGITS as CONTENT_DIGITS
from archbench._declarations._reader import Found as Found
from archbench._declarations._reader import OwnData as OwnData
from archbench._declarations._reader import Reader as Reader
from archbench._declarations._section import Section as Section
from archbench._declarations._targets import resolve as resolve
from archbench._declarations._task import IGNORED as IGNORED
from archbench._declarations._task import ArrayLike as ArrayLike
from archbench._declarations._task import Examples as Examples
from archbench._declarations._task import InputKind as InputKind
from archbench._declarations._task import Splits as Splits
from archbench._declarations._task import Task as Task
from archbench._declarations._task import TaskInfo as TaskInfo
