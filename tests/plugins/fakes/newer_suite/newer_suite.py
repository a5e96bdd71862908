"""A plugin for a later suite: it must not even be imported."""

raise AssertionError("imported all the same")
