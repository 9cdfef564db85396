"""The block graph as trees: a tree for each device, job and export, and for each unused node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..vm.block_graph import BlockGraph
from ..vm.block_records import BlockDevice, BlockEdge, BlockExport, BlockNode, parse_file_name
from ..vm.device_names import format_device_name
from ..vm.records import Job
from .parts import Node, Part, join_parts
from .quantities import format_percent, format_size
from .text import sanitize_line

# QEMU gives such a name to a node that the user gave none.
_NO_NAME = "#"
# An image can have thousands.
_MOST_SNAPSHOTS = 3


class BlockTree:
    """Makes the trees; a node that several things use is shown whole once."""

    def __init__(self, graph: BlockGraph) -> None:
        self._graph = graph
        self._shown: set[str] = set()
        self._jobs: dict[str, list[Job]] = {}
        for job in graph.jobs:
            self._jobs.setdefault(graph.main_node(job), []).append(job)

    def all(self) -> Iterator[Node]:
        """All of the graph."""
        graph = self._graph
        yield from map(self._device, graph.devices)
        for job in graph.jobs:
            yield self._job(job)
        for export in graph.exports:
            yield self._export(export)
        for name in graph.unused_nodes():
            yield self._node(BlockEdge("", name), note="not in use")

    def of(self, name: str) -> Iterator[Node]:
        """What has a name: nodes, devices, jobs, exports; and what uses a node, directly or not."""
        graph = self._graph
        above = self._all_above(name)
        for device in graph.devices:
            if name in _names_of(device) or device.node in above:
                yield self._device(device)
        for job in graph.jobs:
            nodes = {edge.node for edge in graph.job_nodes.get(job.id, ())}
            if name == job.id or not above.isdisjoint(nodes):
                yield self._job(job)
        for export in graph.exports:
            if name == export.id or export.node in above:
                yield self._export(export)
        for unused in graph.unused_nodes():
            if unused in above:
                yield self._node(BlockEdge("", unused), note="not in use")

    def _all_above(self, name: str) -> set[str]:
        """A node, and all nodes that use it, directly or not."""
        users: dict[str, list[str]] = {}
        for node, edges in self._graph.below.items():
            for edge in edges:
                users.setdefault(edge.node, []).append(node)
        seen: set[str] = set()
        unseen = [name] if name in self._graph.nodes or name in users else []
        while unseen:
            node = unseen.pop()
            if node not in seen:
                seen.add(node)
                unseen += users.get(node, ())
        return seen

    def _device(self, device: BlockDevice) -> Node:
        name = device.device or format_device_name(device.qdev)
        driver = format_device_name(device.qdev) if device.device else ""
        status = device.io_status if device.io_status != "ok" else ""
        parts = (
            Part(name, "key"),
            Part(driver if driver != name else ""),
            Part("" if device.medium is not None else "empty", "dim"),
            Part(f"I/O status: {status}" if status else "", "error"),
        )
        if device.node or device.medium is None:
            edges = [BlockEdge("", device.node)] if device.node else []
            return Node(join_parts(parts), map(self._node, edges))
        medium = (Part(device.medium.driver), Part(device.medium.file, "string"))  # before QEMU 2.1
        return Node(join_parts((*parts, *medium)))

    def _job(self, job: Job) -> Node:
        percent = format_percent(job.progress)
        parts = (
            Part(job.id, "key"),
            Part(f"{job.type} job"),
            Part(job.status),
            Part(percent if job.status == "running" else ""),
            Part(job.error, "error"),
        )
        return Node(join_parts(parts), map(self._node, self._graph.job_nodes.get(job.id, ())))

    def _export(self, export: BlockExport) -> Node:
        parts = join_parts((Part(export.id, "key"), Part(f"{export.type} export")))
        return Node(parts, map(self._node, [BlockEdge("", export.node)]))

    def _is_plain_file(self, edge: BlockEdge) -> bool:
        """Whether an edge leads to a file of which the line above says everything."""
        is_leaf = not self._graph.below.get(edge.node)
        return edge.role == "file" and edge.node.startswith(_NO_NAME) and is_leaf

    def _node(self, edge: BlockEdge, *, note: str = "") -> Node:
        name = edge.node
        node = self._graph.nodes.get(name) or BlockNode(name, "", "", [], [])
        role = (Part(f"{edge.role}: "),) if edge.role else ()
        is_repeated = name in self._shown
        self._shown.add(name)
        below = [each for each in self._graph.below.get(name, ()) if not self._is_plain_file(each)]
        if is_repeated and below:
            parts = join_parts((Part(name, "key"), Part("see above", "dim")))
            return Node((*role, *parts))
        parts = join_parts(
            (
                Part(name, "key"),
                Part(node.driver),
                Part(format_size(node.size)),
                Part(parse_file_name(node.file), "string"),
                Part("read-only" if node.is_read_only else ""),
                *(
                    Part(f"job {job.id}{format_percent(job.progress, ' ')}")
                    for job in self._jobs.get(name, ())
                ),
                *(
                    Part(f"bitmap {bitmap.name}, {format_size(bitmap.dirty_bytes)} dirty")
                    for bitmap in node.bitmaps
                ),
                Part(_format_snapshots(node.snapshots)),
                Part(note, "dim"),
            )
        )
        return Node((*role, *parts), map(self._node, below))


def _format_snapshots(names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_MOST_SNAPSHOTS])
    more = len(names) - _MOST_SNAPSHOTS
    label = "snapshot" if len(names) == 1 else "snapshots"
    return f"{label} {shown}" + (f" and {more} more" if more > 0 else "")


def _names_of(device: BlockDevice) -> set[str]:
    return {device.device, device.qdev, format_device_name(device.qdev)} - {""}


def format_dot(graph: BlockGraph) -> list[str]:
    """The block graph in the language of Graphviz."""
    lines = ["digraph block {", "  node [shape=box];"]
    for node in graph.nodes.values():
        label = "\n".join(
            filter(
                None, (node.name, node.driver, format_size(node.size), parse_file_name(node.file))
            )
        )
        lines.append(f"  {_dot_name('node', node.name)} [label={_dot_string(label)}];")
    for device in graph.devices:
        name = device.device or format_device_name(device.qdev)
        lines += _dot_user("device", name, name, [BlockEdge("", device.node)])
    for job in graph.jobs:
        lines += _dot_user("job", job.id, f"{job.id}\n{job.type}", graph.job_nodes.get(job.id, []))
    for export in graph.exports:
        edges = [BlockEdge("", export.node)]
        lines += _dot_user("export", export.id, f"{export.id}\n{export.type} export", edges)
    for name, edges in graph.below.items():
        lines += [_dot_edge(_dot_name("node", name), edge) for edge in edges]
    return [*lines, "}"]


def _dot_user(kind: str, name: str, label: str, edges: list[BlockEdge]) -> Iterator[str]:
    yield f"  {_dot_name(kind, name)} [label={_dot_string(label)}, shape=ellipse];"
    for edge in edges:
        if edge.node:
            yield _dot_edge(_dot_name(kind, name), edge)


def _dot_edge(above: str, edge: BlockEdge) -> str:
    return f"  {above} -> {_dot_name('node', edge.node)} [label={_dot_string(edge.role)}];"


def _dot_name(kind: str, name: str) -> str:
    return _dot_string(f"{kind} {name}")


def _dot_string(text: str) -> str:
    """A string of the dot language: only quotes and backslashes are special in it."""
    lines = (json.dumps(sanitize_line(line), ensure_ascii=False)[1:-1] for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'
