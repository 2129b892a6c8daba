"""Devices that work together, and how fast they can tell each other things.

A link's two directions work at once, so that a ring of collectives moves half of what data sheets
add up. Of that `LINK` and `NETWORK` are the shares that large messages reach: NCCL's tests show
about 230 of 300 GB/s on eight A100 and 360 of 450 on eight H100, and 40 of 50 GB/s of a 400 Gb/s
adapter. The adapters of a node's devices work at once as well.
"""

from __future__ import annotations

from dsl.devices.device import Device
from dsl.record import Record

LINK, NETWORK = 0.78, 0.8
"""Shares of a link's and of a network's rate that are reached."""

UNKNOWN_LINK = 32e9
"""Bytes a second both ways where a device's link is not known: PCIe 3.0 with 16 lanes."""

PER_NODE = 8
"""Devices in a node unless said otherwise."""

NETWORK_RATE = 400e9 / 8
"""Bytes a second of a device's way to other nodes, each direction, unless said otherwise."""

LATENCY = 20e-6
"""Seconds that a message takes however small it is."""


class Cluster(Record):
    """Equal devices.

    Attributes:
        device: Each of them.
        count: How many.
        per_node: How many are linked directly.
        network: Bytes a second from each to other nodes, one direction.
    """

    device: Device
    count: int
    per_node: int = PER_NODE
    network: float = NETWORK_RATE

    @property
    def nodes(self) -> int:
        """How many there are."""
        return -(-self.count // self.per_node)

    def bandwidth(self, members: int, stride: int = 1) -> float:
        """Bytes a second that each of a group can send while all do.

        Args:
            members: Size of the group.
            stride: How many devices lie from one to the next.
        """
        link = (self.device.link or UNKNOWN_LINK) / 2 * LINK
        if members * stride <= self.per_node:
            return link
        together = max(1, min(members, self.per_node // stride))
        network = self.network * together * NETWORK
        return network if together == 1 else min(link, network)
