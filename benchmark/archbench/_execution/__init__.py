"""Local execution: run jobs in processes of their own and yield their records. Nothing here imports torch."""

from archbench._execution._capacity import available_cores as available_cores
from archbench._execution._capacity import libraries_of as libraries_of
from archbench._execution._pool import Pool as Pool
from archbench._execution._pool import open_pool as open_pool
from archbench._execution._supervisor import execute as execute
