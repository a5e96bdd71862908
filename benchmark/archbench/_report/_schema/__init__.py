"""The content of the leaderboard as typed objects. `leaderboard.json` is a `Leaderboard`, field by field."""

from archbench._report._schema._boards import Curve as Curve
from archbench._report._schema._boards import Incompatible as Incompatible
from archbench._report._schema._boards import OverBoard as OverBoard
from archbench._report._schema._boards import OverCell as OverCell
from archbench._report._schema._boards import OverRow as OverRow
from archbench._report._schema._boards import SeedResult as SeedResult
from archbench._report._schema._boards import TaskBoard as TaskBoard
from archbench._report._schema._boards import TaskRow as TaskRow
from archbench._report._schema._comparison import Board as Board
from archbench._report._schema._comparison import Comparison as Comparison
from archbench._report._schema._comparison import Differences as Differences
from archbench._report._schema._comparison import Row as Row
from archbench._report._schema._entries import Entrant as Entrant
from archbench._report._schema._entries import EnvironmentEntry as EnvironmentEntry
from archbench._report._schema._entries import ProtocolEntry as ProtocolEntry
from archbench._report._schema._entries import TaskEntry as TaskEntry
from archbench._report._schema._page import CandidateEntry as CandidateEntry
from archbench._report._schema._page import Failure as Failure
from archbench._report._schema._page import Leaderboard as Leaderboard
from archbench._report._schema._page import Matrix as Matrix
from archbench._report._schema._page import MatrixRow as MatrixRow
from archbench._report._schema._page import SectionEntry as SectionEntry
from archbench._report._schema._page import TuningEntry as TuningEntry
from archbench._report._schema._studies import ClaimEntry as ClaimEntry
from archbench._report._schema._studies import StudyEntry as StudyEntry
from archbench._report._schema._studies import StudyFailure as StudyFailure
