"""The leaderboard: computed from records, and only from records. The same records give the same bytes."""

from archbench._report._build import build_leaderboard as build_leaderboard
from archbench._report._live import VERSION_PATH as VERSION_PATH
from archbench._report._live import make_live as make_live
from archbench._report._live import version_of as version_of
from archbench._report._schema import ClaimEntry as ClaimEntry
from archbench._report._schema import Entrant as Entrant
from archbench._report._schema import Leaderboard as Leaderboard
from archbench._report._schema import OverBoard as OverBoard
from archbench._report._schema import StudyEntry as StudyEntry
from archbench._report._schema import TaskBoard as TaskBoard
from archbench._report._study_entries import describe_claim as describe_claim
from archbench._report._study_entries import describe_study as describe_study
from archbench._report._write import render_files as render_files
from archbench._report._write import write_files as write_files
