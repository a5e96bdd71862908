"""A plugin whose only hook is not marked."""


def archbench_tasks():
    """Return nothing; never called, as it is not marked."""
    return []
