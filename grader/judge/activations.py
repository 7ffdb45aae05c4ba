"""Edits that add or take away the activations around the addition of a residual block."""

from __future__ import annotations

from grader.graph import Graph
from grader.judge.anatomy import anatomy
from grader.judge.edits import Editor, ref


def toggle_final_activation(graph: Graph) -> Graph:
    """Without the ReLU after the addition; with one where there is none."""
    parts = anatomy(graph)
    if parts is None:
        return graph
    editor = Editor(graph)
    activation = next((i for i in parts.after if editor[i].name == "relu"), None)
    if activation is not None:
        editor.redirect(activation, editor[activation].inputs[0])
    else:
        editor.redirect(parts.join, editor.add("aten.relu.default", ref(parts.join)))
    return editor.graph()


def activate_branch(graph: Graph) -> Graph:
    """With a ReLU on the branch before the addition."""
    parts = anatomy(graph)
    if parts is None:
        return graph
    editor = Editor(graph)
    activated = editor.add("aten.relu.default", ref(parts.branch))
    args = [ref(activated) if arg == ref(parts.branch) else arg for arg in editor[parts.join].args]
    editor.change(parts.join, args=args)
    return editor.graph()


def activate_input(graph: Graph) -> Graph:
    """With a ReLU on the input, as when only activated values ever arrive."""
    editor = Editor(graph)
    x = graph.input.id
    editor.redirect(x, editor.add("aten.relu.default", ref(x)))
    return editor.graph()
