"""Imported by the server of trials before anything else: Ctrl-C ends it at once and without a traceback.

A terminal sends it to every process of a run. The server of multiprocessing ignores it once it has loaded everything;
the seconds until then are when people notice a typing mistake.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)
