"""Planning: cells, their trials, tuning, and what a run trains next. Pure functions of declarations and records."""

from archbench._planning._again import Obstacle as Obstacle
from archbench._planning._again import find_again as find_again
from archbench._planning._again import plan_again as plan_again
from archbench._planning._cell import Candidate as Candidate
from archbench._planning._cell import Cell as Cell
from archbench._planning._cell import PlannedTrial as PlannedTrial
from archbench._planning._cell import Refusal as Refusal
from archbench._planning._cell import describe_task as describe_task
from archbench._planning._cell import make_cell as make_cell
from archbench._planning._extension import check_extension as check_extension
from archbench._planning._extension import without_budget as without_budget
from archbench._planning._job import Device as Device
from archbench._planning._job import Job as Job
from archbench._planning._plan import Plan as Plan
from archbench._planning._plan import make_plan as make_plan
from archbench._planning._plan import unite as unite
from archbench._planning._round import Round as Round
from archbench._planning._round import next_round as next_round
from archbench._planning._shard import Shard as Shard
from archbench._planning._shard import take_shard as take_shard
from archbench._planning._tuning import CellState as CellState
from archbench._planning._tuning import assess as assess
from archbench._planning._tuning import choose as choose
