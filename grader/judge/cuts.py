"""Cut a network at the values that no edge jumps over.

A value *dominates* another one if every way from the input to that other value leads through it. The values that
dominate the output are the cuts of the network: between two of them lies one layer, or one residual block.
"""

from __future__ import annotations

from grader.graph import Graph


class Dominators:
    """Which values everything must pass on its way to a value: the dominator tree of what depends on the input.

    Only the paths of data count: a value that the input does not reach, such as a weight, is in nobody's way. Nodes
    stand in the order they ran, so that one pass builds the tree. The nearest common ancestor of a node's operands is
    found through jump pointers in a logarithmic number of steps (Myers, "An applicative random-access stack", 1983):
    students' graphs are self-reports, and what is asked of them must not take quadratic time.

    Raises:
        LookupError: the graph does not read its input.
    """

    def __init__(self, graph: Graph) -> None:
        root = graph.input.id
        self._parent = {root: root}
        self._jump = {root: root}
        self._depth = {root: 0}
        for node in graph.nodes:
            operands = [i for i in node.inputs if i in self._parent]
            if operands and node.id != root:
                parent = operands[0]
                for other in operands[1:]:
                    parent = self.common(parent, other)
                self._hang(node.id, parent)

    def __contains__(self, node: int) -> bool:
        """Does the input reach this node?"""
        return node in self._parent

    def of(self, node: int) -> int:
        """The last value that everything must pass on its way to a node (of the input: itself)."""
        return self._parent[node]

    def chain(self, node: int) -> list[int]:
        """Every value that dominates a node, from the input to the node itself."""
        found = [node]
        while self._depth[found[-1]]:
            found.append(self._parent[found[-1]])
        return found[::-1]

    def common(self, first: int, second: int) -> int:
        """The last value that dominates both."""
        first, second = sorted((first, second), key=lambda node: self._depth[node])
        while self._depth[second] > self._depth[first]:
            jump = self._jump[second]
            second = jump if self._depth[jump] >= self._depth[first] else self._parent[second]
        while first != second:
            apart = self._jump[first] != self._jump[second]
            tree = self._jump if apart else self._parent
            first, second = tree[first], tree[second]
        return first

    def _hang(self, node: int, parent: int) -> None:
        self._parent[node] = parent
        self._depth[node] = self._depth[parent] + 1
        jump = self._jump[parent]
        equal_steps = self._depth[parent] - self._depth[jump] == self._depth[jump] - self._depth[self._jump[jump]]
        self._jump[node] = self._jump[jump] if equal_steps else parent


def cuts(graph: Graph) -> list[int]:
    """The values of a graph that no edge jumps over, from its input to its output; none if the input does not reach
    the output."""
    try:
        dominators = Dominators(graph)
    except LookupError:
        return []
    return dominators.chain(graph.output) if graph.output in dominators else []
