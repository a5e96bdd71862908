"""Charts as inline SVG. Geometry only: every value comes from the leaderboard, every colour from the style sheet."""

from archbench._report._charts._axes import Domain as Domain
from archbench._report._charts._board_strip import board_strip as board_strip
from archbench._report._charts._claim_chart import claim_chart as claim_chart
from archbench._report._charts._curves import MAX_LINES as MAX_LINES
from archbench._report._charts._curves import learning_curves as learning_curves
from archbench._report._charts._effects import effect_strip as effect_strip
from archbench._report._charts._lines import line_chart as line_chart
from archbench._report._charts._scatter import scatter as scatter
from archbench._report._charts._strips import over_strip as over_strip
from archbench._report._charts._strips import strip as strip
from archbench._report._charts._strips import strip_axis as strip_axis
from archbench._report._charts._strips import strip_domain as strip_domain
from archbench._report._charts._strips import target_strip as target_strip
from archbench._report._charts._strips import task_domain as task_domain
from archbench._report._charts._svg import PALETTE as PALETTE
