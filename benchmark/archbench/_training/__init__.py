"""Training: everything that needs torch and Lightning. `run_trial` is the way in."""

from archbench._training._live_log import LiveLog as LiveLog
from archbench._training._probes import Call as Call
from archbench._training._probes import check_blocks as check_blocks
from archbench._training._probes import find_blocks as find_blocks
from archbench._training._probes import skipped as skipped
from archbench._training._probes import watched as watched
from archbench._training._runner import run_trial as run_trial
