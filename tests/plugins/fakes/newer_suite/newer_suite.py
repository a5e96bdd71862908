"""A plugin for a later suite: it must not even be imported."""

raise AssertionError("a plugin for another suite was imported")
