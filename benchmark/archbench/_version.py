"""The version of the suite. Kept apart, so that the rooms need not import the facade."""

__version__ = "0.1.0"
