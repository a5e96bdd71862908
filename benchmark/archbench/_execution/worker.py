"""Run one job in a fresh interpreter: `python -m archbench._execution.worker OUT`.

The job arrives on standard input, as one line of JSON. Standard input stays open for as long as the supervisor lives;
when it closes, the trial ends itself.
"""

from __future__ import annotations

import sys

from archbench._execution._child import run_job


def main() -> None:
    """Run the job on standard input in this process."""
    job = sys.stdin.buffer.readline()
    run_job(job, sys.argv[1], sys.stdin.buffer.read)


if __name__ == "__main__":
    main()
