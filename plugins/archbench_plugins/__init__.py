"""The built-in architectures, one folder each: `__init__.py` declares it without torch, `network.py` computes it."""
