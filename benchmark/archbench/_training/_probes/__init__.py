"""Probes: measurements inside a trial that change nothing. `Prober` is the way in."""

from archbench._training._probes._blocks import Call as Call
from archbench._training._probes._blocks import check_blocks as check_blocks
from archbench._training._probes._blocks import find_blocks as find_blocks
from archbench._training._probes._blocks import skipped as skipped
from archbench._training._probes._blocks import watched as watched
from archbench._training._probes._prober import Prober as Prober
from archbench._training._probes._specimen import copy_network as copy_network
