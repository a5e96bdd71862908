"""Settings of the server of trials, which imports this before anything else.

A terminal sends Ctrl-C to every process of a run. The server of multiprocessing ignores it once it has loaded all
libraries, but people often press it in the seconds before, when they notice a typing mistake; it ends then at once and
without a traceback. The server starts with Ctrl-C blocked, so that one from before this module is imported waits for
it. It also ends with the run, which matters while it is still loading, or trials still live. Processes that a trial
started and left behind become children of the server, where the supervisor finds them.

The server looks for no garbage: what it loads stays, and looking takes a tenth of the time or more. Its children look
for theirs.
"""

import gc
import os
import signal
import warnings

from archbench._execution._fork_server import PARENT
from archbench._execution._huge_pages import gather_after_forks
from archbench._plugins import adopt_descendants, end_with_parent

gc.disable()
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
end_with_parent()
if os.environ.get(PARENT) not in (None, str(os.getppid())):
    os._exit(1)  # the run ended before the line above
adopt_descendants()
gather_after_forks()
# The server knows nothing of the processes that it adopts.
warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")
