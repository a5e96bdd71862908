"""Studies: the records that belong to a study, and what its analysis makes of them."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

# A study names the type of its records when it is declared, and should not pay for planning and analysing.
_ON_DEMAND = {
    "StudyRecords": "archbench._studies._belonging",
    "choose": "archbench._studies._choice",
    "full_name": "archbench._studies._choice",
    "names_study": "archbench._studies._choice",
    "PartCost": "archbench._studies._cost",
    "cost_of_parts": "archbench._studies._cost",
    "count_trials": "archbench._studies._cost",
    "StudyData": "archbench._studies._data",
    "StudyResult": "archbench._studies._findings",
    "analyse": "archbench._studies._findings",
    "read_study": "archbench._studies._findings",
    "parts_of": "archbench._studies._planning",
    "plan_study": "archbench._studies._planning",
}


def __getattr__(name: str) -> object:
    """Return what is loaded on demand."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_ON_DEMAND[name]), name)
    return found
