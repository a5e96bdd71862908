"""Protocols: the rules under which results may be compared. `_toml` reads the protocols that people write."""

from archbench._protocols._builtin import PROVES_NOTHING as PROVES_NOTHING
from archbench._protocols._builtin import find_protocol as find_protocol
from archbench._protocols._builtin import protocols as protocols
from archbench._protocols._identity import encode_identity as encode_identity
from archbench._protocols._identity import identity_hash as identity_hash
from archbench._protocols._probes import Probe as Probe
from archbench._protocols._probes import Probes as Probes
from archbench._protocols._protocol import Precision as Precision
from archbench._protocols._protocol import Protocol as Protocol
from archbench._protocols._protocol import equal_steps as equal_steps
from archbench._protocols._recipe import CUSTOM as CUSTOM
from archbench._protocols._recipe import HOUSE_RECIPE as HOUSE_RECIPE
from archbench._protocols._recipe import Additions as Additions
from archbench._protocols._recipe import Optimizer as Optimizer
from archbench._protocols._recipe import Recipe as Recipe
from archbench._protocols._recipe import Tuning as Tuning
