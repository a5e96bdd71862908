"""A Ray cluster of two nodes on this machine: `python -m archbench._chaos.cluster`.

It prints its address. A line on standard input kills the second node, which is answered with a line; at the end of the
input the cluster ends.
"""

from __future__ import annotations

import sys
from typing import Any

HEAD, *NODES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""Addresses that nobody outside this machine can reach; the run connects to the head, which trains nothing."""

MEMORY = 100_000_000
"""Bytes for the objects of each node."""

CORES = 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start the cluster, and kill a node when asked."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "node_ip_address": HEAD, "object_store_memory": MEMORY}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    _, second = (
        cluster.add_node(num_cpus=CORES, node_ip_address=address, object_store_memory=MEMORY) for address in NODES
    )
    _say(cluster.address)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        _say("killed")
    cluster.shutdown()


if __name__ == "__main__":
    main()
