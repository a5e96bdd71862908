"""Let Ctrl-C end the server of trials at once and without a traceback; the server imports this before anything else.

A terminal sends Ctrl-C to every process of a run. The server of multiprocessing ignores it once it has loaded all
libraries, but people often press it in the seconds before, when they notice a typing mistake.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)
