"""Statistics of few seeds: pure functions on arrays whose axes are named in the docstrings.

The seeds are the unit of replication and the tasks a fixed set: every interval speaks of other seeds on these tasks.
"""

from archbench._statistics._comparison import LEVEL, MIN_SEEDS, Comparison, compare_all, step_of
from archbench._statistics._counts import Interval, binomial_interval, order_by_steps, restricted_mean_steps
from archbench._statistics._effort import MOST_SEEDS, seeds_to_decide
from archbench._statistics._equivalence import ANSWERS, Answer, answers, classify
from archbench._statistics._learning import still_improving
from archbench._statistics._prediction import prediction_interval
from archbench._statistics._scale import Scale, floor_of
from archbench._statistics._sequential import Decision, decide, nominal_level
from archbench._statistics._shares import SHARE_ERROR, say_share, seeds_for_share, share_interval
from archbench._statistics._solvers import Judgement, Steps, judge
from archbench._statistics._verdicts import VERDICT_ERROR, half_widths, say, seeds_for_verdict

__all__ = [
    "ANSWERS",
    "LEVEL",
    "MIN_SEEDS",
    "MOST_SEEDS",
    "SHARE_ERROR",
    "VERDICT_ERROR",
    "Answer",
    "Comparison",
    "Decision",
    "Interval",
    "Judgement",
    "Scale",
    "Steps",
    "answers",
    "binomial_interval",
    "classify",
    "compare_all",
    "decide",
    "floor_of",
    "half_widths",
    "judge",
    "nominal_level",
    "order_by_steps",
    "prediction_interval",
    "restricted_mean_steps",
    "say",
    "say_share",
    "seeds_for_share",
    "seeds_for_verdict",
    "seeds_to_decide",
    "share_interval",
    "step_of",
    "still_improving",
]
