"""The version of the suite, in a module of its own so that the packages of the core need not import the facade."""

__version__ = "0.1.0"
