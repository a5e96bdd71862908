"""Charts as inline SVG. Geometry only: every value comes from the leaderboard, every colour from the style sheet."""

from archbench._report._charts._axes import Domain as Domain
from archbench._report._charts._board_strip import board_strip as board_strip
from archbench._report._charts._censored import steps_chart as steps_chart
from archbench._report._charts._claim_chart import claim_chart as claim_chart
from archbench._report._charts._confusion import MOST_CLASSES as MOST_CLASSES
from archbench._report._charts._confusion import SHADE_LIMITS as SHADE_LIMITS
from archbench._report._charts._confusion import class_name as class_name
from archbench._report._charts._confusion import confused_pairs as confused_pairs
from archbench._report._charts._confusion import confusion_rows as confusion_rows
from archbench._report._charts._confusion import shade_words as shade_words
from archbench._report._charts._effects import effect_strip as effect_strip
from archbench._report._charts._example import draw_example as draw_example
from archbench._report._charts._lines import line_chart as line_chart
from archbench._report._charts._multiples import Multiples as Multiples
from archbench._report._charts._multiples import multiples as multiples
from archbench._report._charts._normalised import difference_strip as difference_strip
from archbench._report._charts._normalised import normalised_strip as normalised_strip
from archbench._report._charts._scatter import cost_charts as cost_charts
from archbench._report._charts._strips import over_strip as over_strip
from archbench._report._charts._strips import strip as strip
from archbench._report._charts._strips import strip_axis as strip_axis
from archbench._report._charts._strips import strip_domain as strip_domain
from archbench._report._charts._svg import PALETTE as PALETTE
