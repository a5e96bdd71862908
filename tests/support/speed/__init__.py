"""Measurements of speed, as rows that performance tests judge and docs/performance_measured.py writes."""
