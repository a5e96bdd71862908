"""Faster forms beside their controls, as comparisons that tests judge and docs/equivalence_measured.py writes."""
