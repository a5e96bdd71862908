"""The built-in tasks. One file declares one family of tasks."""
