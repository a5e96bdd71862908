"""Training: everything that needs torch and Lightning. `run_trial` is the way in, `run_together` for several seeds."""

from archbench._training._live_log import LiveLog as LiveLog
from archbench._training._precision import half_precision as half_precision
from archbench._training._probes import Call as Call
from archbench._training._probes import check_blocks as check_blocks
from archbench._training._probes import find_blocks as find_blocks
from archbench._training._probes import skipped as skipped
from archbench._training._probes import watched as watched
from archbench._training._runner import run_trial as run_trial
from archbench._training._stack import DifferentError as DifferentError
from archbench._training._stack import NotTogetherError as NotTogetherError
from archbench._training._stack import compare as compare
from archbench._training._together import run_together as run_together
