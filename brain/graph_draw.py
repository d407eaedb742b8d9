"""A graph as text for a terminal, as mermaid and as dot."""

from __future__ import annotations

from collections import Counter

from rich.text import Text
from rich.tree import Tree

from brain.graph import Graph, Kind, Node

_MEETING = 3
"""A box that so many arrows lead to."""
_STYLES: dict[Kind, str] = {"source": "cyan", "topic": "green", "task": "bold yellow", "reader": "magenta"}
_MERMAID: dict[Kind, tuple[str, str]] = {
    "source": ("([", "])"), "topic": ("[(", ")]"), "task": ("[", "]"), "reader": ("([", "])"),
}  # fmt: skip
_DOT: dict[Kind, str] = {"source": "oval", "topic": "cylinder", "task": "box", "reader": "oval"}


def lines(node: Node, language: str) -> list[str]:
    """Its label: name with partitions, then its notes."""
    name = node.name.en if language == "en" else node.name.zh
    if node.kind == "topic":
        name += f" ×{node.partitions}"
    return [name, *(note.en if language == "en" else note.zh for note in node.notes)]


def text(g: Graph, title: str, language: str) -> Tree:
    """A tree along the arrows. Where many of them meet, a box has a branch of its own and is only named elsewhere."""
    tree, drawn = Tree(title), set[str]()
    led = Counter(end for _, end in g.edges)

    def grow(branch: Tree, id: str, *, own: bool) -> None:
        node = g.nodes[id]
        name, *notes = lines(node, language)
        label = Text(name, style=_STYLES[node.kind])
        if id in drawn or (led[id] >= _MEETING and not own):
            branch.add(label.append(" →", style="dim"))
            return
        drawn.add(id)
        here = branch.add(label.append(f"  {' · '.join(notes)}" if notes else "", style="not bold default"))
        for end in g.after(id):
            grow(here, end, own=False)

    for id in [*g.roots(), *(id for id in g.nodes if led[id] >= _MEETING), *g.nodes]:
        if id not in drawn:
            grow(tree, id, own=True)
    return tree


def mermaid(g: Graph, language: str) -> str:
    """A flowchart for Markdown."""
    ids = {id: f"n{i}" for i, id in enumerate(g.nodes)}
    out = ["flowchart LR"]
    for id, node in g.nodes.items():
        left, right = _MERMAID[node.kind]
        label = "<br>".join(line.replace('"', "#quot;") for line in lines(node, language))
        out.append(f'    {ids[id]}{left}"{label}"{right}')
    out += [f"    {ids[start]} --> {ids[end]}" for start, end in g.edges]
    return "\n".join(out) + "\n"


def dot(g: Graph, language: str) -> str:
    """For Graphviz."""
    ids = {id: f"n{i}" for i, id in enumerate(g.nodes)}
    out = ["digraph brain {", "    rankdir=LR;", '    node [fontname="sans-serif"];']
    for id, node in g.nodes.items():
        label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines(node, language))
        out.append(f'    {ids[id]} [label="{label}", shape={_DOT[node.kind]}];')
    out += [f"    {ids[start]} -> {ids[end]};" for start, end in g.edges]
    return "\n".join([*out, "}"]) + "\n"
