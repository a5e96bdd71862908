"""A Ray cluster of two nodes on this machine: `python -m archbench._chaos.cluster`.

It prints its address. A line on standard input kills the second node, which is answered with a line; at the end of the
input the cluster ends.
"""

from __future__ import annotations

import sys
from typing import Any

NODE: dict[str, Any] = {"node_ip_address": "127.0.0.1", "object_store_memory": 100_000_000}
"""Settings of each node: nobody outside this machine can reach it."""

CORES = 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start the cluster, and kill a node when asked."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **NODE})
    _, second = (cluster.add_node(num_cpus=CORES, **NODE) for _ in range(2))
    _say(cluster.address)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        _say("killed")
    cluster.shutdown()


if __name__ == "__main__":
    main()
