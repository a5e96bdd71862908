"""Probes: measurements inside a trial that change nothing. `Prober` is the way in."""

from archbench._training._probes._prober import Prober as Prober
