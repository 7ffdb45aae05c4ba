"""Chains: steps of which each reads only the one before, so that one module, loop or function can hold them."""

from __future__ import annotations

from typing import Any

from grader.audit.layers import module
from grader.audit.lift import FOLLOWS
from grader.audit.program import Body, Choice, Layer, Step, Text
from grader.audit.style import Made, Style
from grader.audit.vocabulary import WORDS, fill

Chain = list[Step]


class Chained(Style):
    """A style that does something of its own with chains."""

    shortest = 2

    def chain(self, chain: Chain) -> list[str]:
        """The statements of a chain."""
        raise NotImplementedError

    def fits(self, step: Step) -> bool:
        """Can the step be part of a chain?"""
        return self.as_module(step) is not None

    def steps(self, body: Body) -> list[str]:
        lines = []
        for group in self._groups(body):
            if isinstance(group, list):
                lines += self.chain(group)
            else:
                lines += self.element(group)
        return lines

    def _groups(self, body: Body) -> list[Step | Choice | Chain]:
        groups: list[Step | Choice | Chain] = []
        chain: Chain = []
        for element in body:
            if isinstance(element, Step) and self._continues(chain, element):
                chain.append(element)
                continue
            groups += [chain] if len(chain) >= self.shortest else chain
            chain = []
            if isinstance(element, Step) and self._continues(chain, element):
                chain = [element]
            else:
                groups.append(element)
        return groups + ([chain] if len(chain) >= self.shortest else chain)

    def _continues(self, chain: Chain, step: Step) -> bool:
        reads_it = not chain or (step.inputs == [chain[-1].out] and self.uses[chain[-1].out] == 1)
        return reads_it and len(step.inputs) == 1 and not step.detached and self.fits(step)

    def as_module(self, step: Step) -> str | None:
        """The step as a module of torch.nn that is used nowhere else, or None."""
        layer = self.layer(step)
        if layer is not None:
            used = sum(1 for other in self.program.steps() if self.layer(other) == layer)
            follows = step.arguments.get("training", FOLLOWS) == FOLLOWS or "running_mean" not in layer.tensors
            return module(layer) if used == 1 and follows else None
        arguments = {name: plain(term) for name, term in step.arguments.items() if name != "self"}
        if any(text is None for text in arguments.values()):
            return None
        for template in WORDS[step.op].modules if step.op in WORDS else ():
            said = fill(template, {name: text for name, text in arguments.items() if text is not None})
            if said is not None:
                return said
        return None


class Held(Chained):
    """A style that keeps each chain in an attribute of its own."""

    label = "block"

    def hold(self, modules: list[str]) -> str:
        """An expression that makes what is kept."""
        raise NotImplementedError

    def use(self, attribute: str, x: str, out: str) -> list[str]:
        """The statements that apply it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Set up what is noted while forward is written."""
        self.held: list[Made] = []
        self.inside: set[str] = set()  # labels of layers that a chain holds

    def chain(self, chain: Chain) -> list[str]:
        layers = [layer for layer in map(self.layer, chain) if layer is not None]
        if not layers or any(layer.condition != layers[0].condition for layer in layers):
            return [line for step in chain for line in self.step(step)]
        attribute = self.named(f"{self.label}{len(self.held) + 1}")
        modules = [text for text in map(self.as_module, chain) if text is not None]
        self.held.append((layers[0].condition, [f"self.{attribute} = {self.hold(modules)}"]))
        self.inside.update(layer.label for layer in layers)
        x = self.text(chain[0].arguments["self"])
        return self.use(f"self.{attribute}", x, self.bind(chain[-1].out, chain[0].inputs))

    def declared(self) -> list[Layer]:
        return [layer for layer in super().declared() if layer.label not in self.inside]

    def order(self, layers: list[Made]) -> list[Made]:
        return [*layers, *self.held]


def plain(term: Any) -> str | None:
    """A term as Python in the constructor, or None when it is known only in forward."""
    if isinstance(term, list):
        texts = [plain(item) for item in term]
        known = [text for text in texts if text is not None]
        return f"({', '.join(known)}{',' if len(known) == 1 else ''})" if len(known) == len(texts) else None
    if isinstance(term, Text):
        return term.source
    return repr(term) if term is None or isinstance(term, int | float | str) else None
