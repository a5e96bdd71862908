"""The leaderboard in the forms that other programs read: tables of trials, LaTeX, BibTeX and a preview picture."""

from archbench._report._exports._bibtex import render_bibtex as render_bibtex
from archbench._report._exports._latex import render_latex as render_latex
from archbench._report._exports._latex_text import slug as slug
from archbench._report._exports._parquet import render_parquet as render_parquet
from archbench._report._exports._preview import draw_preview as draw_preview
from archbench._report._exports._trials import TRIAL_COLUMNS as TRIAL_COLUMNS
from archbench._report._exports._trials import make_trial_rows as make_trial_rows
from archbench._report._exports._trials import render_trials as render_trials
from archbench._report._exports._trials import trial_lines as trial_lines
