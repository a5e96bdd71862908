"""A run of the suite, callable from Python and from the command line alike. Importing this loads no heavy library."""

from archbench._suite._answers import claims as claims
from archbench._suite._answers import study as study
from archbench._suite._api import compare as compare
from archbench._suite._api import load as load
from archbench._suite._api import read as read
from archbench._suite._api import reproduce as reproduce
from archbench._suite._api import run as run
from archbench._suite._observer import Observer as Observer
from archbench._suite._results import Results as Results
from archbench._suite._settings import RunSettings as RunSettings
