"""Trials, the records that they leave, and the store that keeps records whole on disk."""

from archbench._records._conditions import strangers as strangers
from archbench._records._files import decode_record as decode_record
from archbench._records._files import encode_record as encode_record
from archbench._records._files import write_atomically as write_atomically
from archbench._records._record import SCHEMA as SCHEMA
from archbench._records._record import STATUSES as STATUSES
from archbench._records._record import ArchitectureFacts as ArchitectureFacts
from archbench._records._record import Curves as Curves
from archbench._records._record import Environment as Environment
from archbench._records._record import Origin as Origin
from archbench._records._record import Pairing as Pairing
from archbench._records._record import Reading as Reading
from archbench._records._record import Record as Record
from archbench._records._record import Resources as Resources
from archbench._records._record import Scores as Scores
from archbench._records._record import Status as Status
from archbench._records._record import TaskFacts as TaskFacts
from archbench._records._record import Training as Training
from archbench._records._store import SetAside as SetAside
from archbench._records._store import Store as Store
from archbench._records._trial import TUNING_SEED as TUNING_SEED
from archbench._records._trial import CellKey as CellKey
from archbench._records._trial import Component as Component
from archbench._records._trial import Trial as Trial
