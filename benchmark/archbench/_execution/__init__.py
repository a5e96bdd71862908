"""Execution: run jobs in processes of their own, here or on a cluster, and yield their records. It needs no torch."""

from archbench._execution._arrivals import Arrivals as Arrivals
from archbench._execution._capacity import available_cores as available_cores
from archbench._execution._capacity import libraries_of as libraries_of
from archbench._execution._executor import Executor as Executor
from archbench._execution._executor import LocalExecutor as LocalExecutor
from archbench._execution._executor import Wanted as Wanted
from archbench._execution._executor import open_executor as open_executor
from archbench._execution._executor import require as require
from archbench._execution._pool import Pool as Pool
from archbench._execution._pool import open_pool as open_pool
from archbench._execution._sharing import PerDevice as PerDevice
from archbench._execution._sharing import Sharing as Sharing
from archbench._execution._sharing_probe import open_shared_pool as open_shared_pool
from archbench._execution._supervisor import execute as execute
