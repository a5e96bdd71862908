"""Faults for the suite itself: a seeded campaign over a small real suite, and what it survived. Nothing loads torch."""

from archbench._chaos._campaign import Campaign as Campaign
from archbench._chaos._campaign import carry_out as carry_out
from archbench._chaos._chain import Fault as Fault
from archbench._chaos._kinds import KINDS as KINDS
from archbench._chaos._kinds import NEEDS_RAY as NEEDS_RAY
from archbench._chaos._kinds import SWEPT as SWEPT
from archbench._chaos._subject import find_subject as find_subject
