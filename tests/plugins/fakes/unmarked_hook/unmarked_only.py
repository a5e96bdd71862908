"""A plugin whose only hook is not marked."""


def archbench_tasks():
    """Not marked, so never called."""
    return []
