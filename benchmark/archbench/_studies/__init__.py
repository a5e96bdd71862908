"""Studies: the records that belong to a study, and what its analysis makes of them."""

from archbench._studies._belonging import StudyRecords as StudyRecords
from archbench._studies._choice import choose as choose
from archbench._studies._choice import full_name as full_name
from archbench._studies._choice import names_study as names_study
from archbench._studies._cost import PartCost as PartCost
from archbench._studies._cost import cost_of_parts as cost_of_parts
from archbench._studies._cost import count_trials as count_trials
from archbench._studies._data import StudyData as StudyData
from archbench._studies._findings import StudyResult as StudyResult
from archbench._studies._findings import analyse as analyse
from archbench._studies._findings import read_study as read_study
from archbench._studies._planning import parts_of as parts_of
from archbench._studies._planning import plan_study as plan_study
