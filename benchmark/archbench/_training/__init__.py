"""Training: everything that needs torch and Lightning. `run_trial` is the way in."""

from archbench._training._runner import run_trial as run_trial
