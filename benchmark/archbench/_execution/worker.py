"""Run one job in a fresh interpreter: `python -m archbench._execution.worker OUT CHANNEL`.

CHANNEL is the descriptor of the file that takes the record. Job and token arrive on standard input, in two lines; the
token is no argument, since anybody may read the arguments of a process. Standard input stays open for as long as the
supervisor lives; when it closes, the trial ends itself.
"""

from __future__ import annotations

import sys

from archbench._execution._child import run_job


def main() -> None:
    """Run the job on standard input in this process."""
    job, token = sys.stdin.buffer.readline(), sys.stdin.buffer.readline().decode().strip()
    run_job(job, sys.argv[1], token, int(sys.argv[2]), sys.stdin.buffer.read)


if __name__ == "__main__":
    main()
