"""The contract of a style: one file in `styles/` holds one way to write a class, or one tight family of them.

The plain style keeps layers in attributes and writes one statement for each step. Others override what they do
otherwise, and fall back to this where they have nothing to say.
"""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any, ClassVar

from grader.audit.layers import BARE, FUNCTION_SETTINGS, KINDS, dimensions, module
from grader.audit.lift import FOLLOWS
from grader.audit.program import (
    Body,
    Choice,
    Layer,
    Program,
    Size,
    Step,
    Tensor,
    Text,
    Unsayable,
    Value,
    Weight,
)
from grader.audit.vocabulary import WORDS, fill, slice_index

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
Made = tuple[str, list[str]]  # a condition on the constructor's arguments, and statements
NAMES = tuple("out y h z t u v w r q".split())


class Style:
    """How a student writes.

    Attributes:
        helpers: classes and functions that stand in front of the class.
        base: what the class derives from.
    """

    helpers: ClassVar[str] = ""
    base: ClassVar[str] = "nn.Module"

    def __init__(self, program: Program, rng: random.Random) -> None:
        self.program = program
        self.rng = rng
        self.uses = program.uses()
        self.names: dict[Value, str] = {Value(0): "x"}
        self.attributes: dict[str, str] = {}  # a layer's name in the class, by its label
        self.kept: dict[str, str] = {}  # numbers that forward needs: the attribute, by the expression
        self.prepare()

    # ------------------------------------------------------------------ what a style may change

    def prepare(self) -> None:
        """Set up what the style keeps for itself."""

    def attribute(self, label: str) -> str:
        """The name of an attribute."""
        return label

    def declare(self, layer: Layer) -> list[str]:
        """Make a layer."""
        if layer.kind == BARE:
            return [self.make_tensor(layer.tensors[""], self.named(layer.label))]
        return [f"self.{self.named(layer.label)} = {module(layer)}"]

    def apply(self, layer: Layer, step: Step, x: str) -> str:
        """The layer's result for `x`."""
        return f"self.{self.named(layer.label)}({x})"

    def tensor(self, weight: Weight) -> str:
        """A parameter or buffer."""
        layer = self.program.owners[weight]
        role = next(role for role, tensor in layer.tensors.items() if tensor.weight == weight)
        return f"self.{self.named(layer.label)}" + (f".{role}" if role else "")

    def operation(self, step: Step, arguments: dict[str, str]) -> str:
        """An operation that is no layer."""
        word = WORDS.get(step.op)
        for template in word.functions if word else ():
            said = fill(template, arguments)
            if said is not None:
                return said
        raise Unsayable(f"{step.op} with {', '.join(step.arguments)}")

    def steps(self, body: Body) -> list[str]:
        """The statements of a body."""
        return [line for element in body for line in self.element(element)]

    def order(self, layers: list[Made]) -> list[Made]:
        """The order in which layers are made."""
        return layers

    def opening(self) -> list[str]:
        """The first statements of the constructor, after that of the base class."""
        return []

    def closing(self) -> list[str]:
        """The last statements of the constructor."""
        return []

    def noise(self) -> list[str]:
        """The first statements of forward."""
        return []

    def assemble(self, name: str, constructor: list[str], forward: list[str]) -> str:
        """The source, from the statements of both methods."""
        return (
            f"{HEAD}{self.helpers}\n\nclass {name}({self.base}):\n"
            f"{method('__init__', self.parameters(), constructor)}\n{method('forward', 'x', forward)}"
        )

    # ------------------------------------------------------------------ what all styles share

    def write(self, name: str) -> str:
        """The source of the class.

        Raises:
            Unsayable: an operation that no style can write.
        """
        forward = [*self.noise(), *self.steps(self.program.body), f"return {self.names[self.program.output]}"]
        made = self.order([(layer.condition, self.declare(layer)) for layer in self.declared()])
        constructor = [
            "super().__init__()",
            *(f"self.{attribute} = {expression}" for expression, attribute in self.kept.items()),
            *self.opening(),
            *under_conditions(made),
            *self.closing(),
        ]
        return self.assemble(name, constructor, forward)

    def parameters(self) -> str:
        """The constructor's arguments."""
        return ", ".join(f"{name}={default}" if default else name for name, default in self.program.arguments.items())

    def declared(self) -> list[Layer]:
        """The layers that `declare` makes."""
        return self.program.layers

    def named(self, label: str) -> str:
        """The attribute of a layer, the same each time."""
        return self.attributes.setdefault(label, self.attribute(label))

    def make_tensor(self, tensor: Tensor, attribute: str) -> str:
        """A statement that registers a parameter or buffer."""
        start = {"zero": "torch.zeros", "one": "torch.ones"}.get(tensor.initial, "torch.randn")
        made = f"{start}({', '.join(tensor.shape)})" + (" * 0.1" if start == "torch.randn" else "")
        if tensor.is_buffer:
            return f"self.register_buffer({attribute!r}, {made})"
        return f"self.{attribute} = nn.Parameter({made}{'' if tensor.learnable else ', requires_grad=False'})"

    def element(self, element: Step | Choice) -> list[str]:
        """The statements of a step or a choice."""
        return self.choice(element) if isinstance(element, Choice) else self.step(element)

    def step(self, step: Step) -> list[str]:
        """The statements of a step."""
        said = self.spelt(step)
        if step.detached:
            said = f"({said}).detach()"
        return [*self.mode(step), f"{self.bind(step.out, step.inputs)} = {said}"]

    def spelt(self, step: Step) -> str:
        """What a step computes, as an expression."""
        layer = self.layer(step)
        if layer is not None:
            return self.apply(layer, step, self.text(step.arguments["self"]))
        if step.op in KINDS:
            return self.function(step)
        arguments = {name: self.text(term) for name, term in step.arguments.items()}
        if step.op == "slice":
            arguments = {"self": arguments["self"], "index": slice_index(arguments)}
        return self.operation(step, arguments)

    def layer(self, step: Step) -> Layer | None:
        """The layer of torch.nn that a step applies, or None."""
        owners = {self.program.owners[weight].label: self.program.owners[weight] for weight in step.weights}
        if step.op not in KINDS or len(owners) != 1:
            return None
        layer = next(iter(owners.values()))
        return layer if layer.kind == step.op else None

    def function(self, step: Step) -> str:
        """A layer as a function of its weights."""
        terms = step.arguments
        kind = KINDS[step.op]
        settings = [self.text(terms[name]) for name in FUNCTION_SETTINGS[step.op]]
        weights = {role: self.text(terms.get(role)) for role in kind.roles}
        x = self.text(terms["self"])
        d = dimensions(step.rank)
        match step.op:
            case "convolution" if terms["transposed"]:
                stride, padding, dilation, groups = settings
                more = f"{stride}, {padding}, {self.text(terms['output_padding'])}, {groups}, {dilation}"
                return f"F.conv_transpose{d}d({x}, {', '.join(weights.values())}, {more})"
            case "batch_norm":
                given = [x, *(weights[role] for role in ("running_mean", "running_var", "weight", "bias"))]
                training = "self.training" if terms["training"] == FOLLOWS else self.text(terms["training"])
                given += [training, *settings]
            case "group_norm":
                given = [x, settings[0], *weights.values(), settings[1]]
            case "layer_norm":
                given = [x, settings[0], *weights.values(), settings[1]]
            case _:
                given = [x, *weights.values(), *settings]
        return f"{kind.function.format(d=d)}({', '.join(given)})"

    def mode(self, step: Step) -> list[str]:
        """Put a batch norm into its mode, where that is not the module's."""
        layer = self.layer(step)
        training = step.arguments.get("training", FOLLOWS)
        if layer is None or training == FOLLOWS or "running_mean" not in layer.tensors:
            return []
        return [f"self.{self.named(layer.label)}.{'train' if training else 'eval'}()"]

    def choice(self, choice: Choice) -> list[str]:
        """if, elif, else."""
        conditions = [self.keep(text) if choice.by_arguments else text for text in choice.conditions]
        for value in choice.outs:
            self.names[value] = self.fresh()
        results = [self.names[value] for value in choice.outs]
        lines = []
        words = [f"if {conditions[0]}:", *(f"elif {text}:" for text in conditions[1:]), "else:"]
        for word, way in zip(words, choice.ways, strict=True):
            inside = self.steps(way.body)
            given = [self.names[value] for value in way.results]
            moves = [f"{to} = {value}" for to, value in zip(results, given, strict=True) if to != value]
            lines += [word, *indented([*inside, *moves] or ["pass"])]
        return lines

    def keep(self, expression: str) -> str:
        """A value of the constructor's arguments, kept for forward."""
        if expression not in self.kept:
            self.kept[expression] = self.attribute(f"flag{len(self.kept) + 1}")
        return f"self.{self.kept[expression]}"

    def text(self, term: Any) -> str:
        """A term as Python."""
        match term:
            case Value():
                return self.names[term]
            case Weight():
                return self.tensor(term)
            case Text():
                return self.keep(term.source)
            case Size():
                size = " * ".join(f"{self.names[term.value]}.shape[{d}]" for d in term.dimensions)
                return size if term.divisor == 1 else f"-(-({size}) // {term.divisor})"
            case list():
                return f"({', '.join(map(self.text, term))}{',' if len(term) == 1 else ''})"
        return repr(term)

    def bind(self, out: Value, inputs: list[Value]) -> str:
        """The variable for a result: that of the first input when nobody else reads that, else a new one."""
        first = next(iter(inputs), Value(0))
        free = first != Value(0) and self.uses.get(first) == 1
        self.names[out] = self.names[first] if free else self.fresh()
        return self.names[out]

    def fresh(self) -> str:
        """A variable that was not used yet."""
        taken = set(self.names.values())
        return next(name for name in (*NAMES, *(f"out{n}" for n in range(2, 1000))) if name not in taken)


def under_conditions(made: list[Made]) -> list[str]:
    """Statements, those that are for some cases only under an `if`."""
    lines = []
    for condition, some in groupby(made, key=lambda each: each[0]):
        inside = [line for _, statements in some for line in statements]
        lines += [f"if {condition}:", *indented(inside)] if condition else inside
    return lines


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def method(name: str, parameters: str, lines: list[str]) -> str:
    """The source of a method."""
    body = "".join(f"        {line}\n" for line in lines)
    return f"    def {name}(self, {parameters}):\n{body}"
