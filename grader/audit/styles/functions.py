"""Chains as expressions and functions of one's own; layers as functions of bare tensors."""

from __future__ import annotations

from grader.audit.chains import Chain, Chained
from grader.audit.program import Layer, Step, Weight
from grader.audit.style import Made, Style, method


class Functional(Style):
    """torch.nn.functional with parameters and buffers of one's own."""

    def declare(self, layer: Layer) -> list[str]:
        return [self.make_tensor(tensor, self._name(layer, role)) for role, tensor in layer.tensors.items()]

    def order(self, layers: list[Made]) -> list[Made]:
        return self.rng.sample(layers, len(layers))

    def layer(self, step: Step) -> Layer | None:
        return None

    def tensor(self, weight: Weight) -> str:
        layer = self.program.owners[weight]
        role = next(role for role, tensor in layer.tensors.items() if tensor.weight == weight)
        return f"self.{self._name(layer, role)}"

    def _name(self, layer: Layer, role: str) -> str:
        return self.named(f"{layer.label}_{role}" if role else layer.label)


class Nested(Chained):
    """One expression for a chain: F.relu(self.bn1(self.conv1(x)))."""

    def fits(self, step: Step) -> bool:
        return not self.mode(step) and (self.layer(step) is not None or self.as_module(step) is not None)

    def chain(self, chain: Chain) -> list[str]:
        return [f"{self.bind(chain[-1].out, chain[0].inputs)} = {self.nested(chain, self.text(chain[0].inputs[0]))}"]

    def nested(self, chain: Chain, x: str) -> str:
        """The chain as an expression of `x`."""
        for step in chain:
            self.names[step.inputs[0]], before = x, self.names.get(step.inputs[0])
            x = self.spelt(step)
            if before is not None:
                self.names[step.inputs[0]] = before
        return x


class Closures(Nested):
    """Functions made on the spot: lambdas in forward."""

    def chain(self, chain: Chain) -> list[str]:
        function = f"f{len(self.names)}"
        said = self.nested(chain, "v")
        x = self.text(chain[0].inputs[0])
        return [f"{function} = lambda v: {said}", f"{self.bind(chain[-1].out, chain[0].inputs)} = {function}({x})"]


class Methods(Nested):
    """Chains as methods of the class."""

    def prepare(self) -> None:
        super().prepare()
        self.methods: list[str] = []

    def chain(self, chain: Chain) -> list[str]:
        name = f"part{len(self.methods) + 1}"
        self.methods.append(method(name, "v", [f"return {self.nested(chain, 'v')}"]))
        x = self.text(chain[0].inputs[0])
        return [f"{self.bind(chain[-1].out, chain[0].inputs)} = self.{name}({x})"]

    def assemble(self, name: str, constructor: list[str], forward: list[str]) -> str:
        return "\n".join([super().assemble(name, constructor, forward), *self.methods])
