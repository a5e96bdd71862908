"""Selection: resolve the names that people give architectures, tasks and own files, and find loadable tasks."""

from archbench._selection._availability import Availability as Availability
from archbench._selection._availability import check_availability as check_availability
from archbench._selection._availability import data_state as data_state
from archbench._selection._availability import describe_lack as describe_lack
from archbench._selection._availability import describe_missing as describe_missing
from archbench._selection._availability import format_bytes as format_bytes
from archbench._selection._availability import leave_out_unavailable as leave_out_unavailable
from archbench._selection._components import make_component as make_component
from archbench._selection._components import make_label as make_label
from archbench._selection._components import write_options as write_options
from archbench._selection._own_data import is_own_data as is_own_data
from archbench._selection._own_data import open_own_data as open_own_data
from archbench._selection._own_data import select_tasks as select_tasks
from archbench._selection._own_task import make_task as make_task
from archbench._selection._protocols import choose_protocol as choose_protocol
from archbench._selection._samples import write_sample as write_sample
from archbench._selection._selectors import Selected as Selected
from archbench._selection._selectors import distinct as distinct
from archbench._selection._selectors import select as select
