"""Deliberately broken architectures: each has one fault, and one check must find it.

Most are `Net`, a sound convolutional network, with one change. Only the check of the mutant's `code` may fail; checks
that require it may be blocked.
"""

from support.mutants import _axes, _blocks, _contract, _inputs, _learning, _penalties, _start, _together, _training
from support.mutants._base import MUTANTS as MUTANTS
from support.mutants._base import Mutant as Mutant

__all__ = ["MUTANTS", "Mutant"]
SECTIONS = (_contract, _axes, _inputs, _learning, _start, _training, _penalties, _blocks, _together)
"""The modules that hold the mutants; importing them registers these."""
