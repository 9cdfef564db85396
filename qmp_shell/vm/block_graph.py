"""The block graph: which devices, jobs and exports use which nodes, and what is below those."""

from __future__ import annotations

from typing import Any, NamedTuple

from .answers import Answers, AnswerView
from .block_records import BlockDevice, BlockEdge, BlockExport, BlockNode
from .device_names import format_device_name
from .inspection import (
    BLOCK_DEVICES,
    BLOCK_EXPORTS,
    BLOCK_GRAPH,
    BLOCK_NODES,
)
from .question import Question
from .questions import JOBS
from .records import Job

_AT_ONCE: tuple[Question[Any], ...] = (
    BLOCK_NODES,
    BLOCK_DEVICES,
    JOBS,
    BLOCK_EXPORTS,
    BLOCK_GRAPH,
)


# Drivers that pass on what one other node has (those of QEMU 7.2 and 11.1 with a child "file").
_FILTERS = ("compress", "copy-before-write", "copy-on-read", "preallocate", "throttle")
_NEXT_OF_FILTER = ("backing", "file")


class BlockGraph(NamedTuple):
    """The block graph of a VM.

    :ivar nodes: by name.
    :ivar below: what each node uses, by its name: first files, at last backing files.
    :ivar job_nodes: what each job uses, by its id; QEMU before 4.0 does not tell.
    """

    devices: list[BlockDevice]
    nodes: dict[str, BlockNode]
    below: dict[str, list[BlockEdge]]
    jobs: list[Job]
    job_nodes: dict[str, list[BlockEdge]]
    exports: list[BlockExport]

    def main_node(self, job: Job) -> str:
        """The node that a job works on; empty if it is not known."""
        edges = self.job_nodes.get(job.id, ())
        return next((edge.node for edge in edges if edge.role == "main node"), "")

    def users(self) -> dict[str, str]:
        """Who uses each node: a device, a block device, an export, a job or another node."""
        found: dict[str, str] = {}
        for device in self.devices:
            if device.qdev or device.device:
                found.setdefault(device.node, format_device_name(device.qdev) or device.device)
        for export in self.exports:
            found.setdefault(export.node, export.id)
        for groups in (self.job_nodes, self.below):
            for name, edges in groups.items():
                for edge in edges:
                    found.setdefault(edge.node, name)
        return found

    def chain(self, name: str) -> list[BlockNode]:
        """The nodes from one on down to the last backing file, without those that store them.

        :param name: of a node, or of a block device that it is inserted in.
        :return: empty: there is no such node.
        """
        if name not in self.nodes:
            name = next((each.node for each in self.devices if name == each.device != ""), "")
        found: dict[str, BlockNode] = {}
        while name in self.nodes and name not in found:
            found[name] = self.nodes[name]
            roles = _NEXT_OF_FILTER if found[name].driver in _FILTERS else ("backing",)
            below = self.below.get(name, ())
            name = next((edge.node for edge in below if edge.role in roles), "")
        return list(found.values())

    def unused_nodes(self) -> list[str]:
        """The nodes that nothing in the graph uses."""
        edges = [*self.below.values(), *self.job_nodes.values()]
        used = {edge.node for group in edges for edge in group}
        used |= {device.node for device in self.devices} | {each.node for each in self.exports}
        return [name for name in self.nodes if name not in used]


def gather_block_graph(answers: Answers) -> BlockGraph:
    """Ask the VM for all of it, the questions at once, and wait for the answers.

    :raise Timeout, ConnectionLost: it does not answer.
    """
    answers.refresh(_AT_ONCE)
    return known_block_graph(answers.waiting)


def known_block_graph(view: AnswerView) -> BlockGraph:
    """All of it that is known to a view of the answers, which may be one that does not wait."""
    nodes = view.get(BLOCK_NODES) or []
    graph = view.get(BLOCK_GRAPH)
    jobs = view.get(JOBS)
    below = {node.name: list(node.children) for node in nodes}
    if graph is not None:
        for name, edges in graph.of_nodes.items():
            below[name] = list(dict.fromkeys([*below.get(name, ()), *edges]))
    devices = view.get(BLOCK_DEVICES) or []
    if graph is not None:  # query-block leaves out the filter nodes of jobs
        devices = [device._replace(node=_node_of(device, graph.of_devices)) for device in devices]
    return BlockGraph(
        devices,
        {node.name: node for node in nodes},
        {name: sorted(edges, key=_order) for name, edges in below.items()},
        jobs or [],
        {name: sorted(edges, key=_order) for name, edges in graph.of_jobs.items()} if graph else {},
        view.get(BLOCK_EXPORTS) or [],
    )


def _node_of(device: BlockDevice, of_devices: dict[str, list[BlockEdge]]) -> str:
    edges = of_devices.get(device.device or device.qdev)
    return edges[0].node if edges else device.node


def _order(edge: BlockEdge) -> int:
    return {"file": 0, "main node": 0, "backing": 2}.get(edge.role, 1)
