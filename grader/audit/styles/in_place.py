"""Operations that write into their operand, where nobody else needs that and no backward pass has to read it."""

from __future__ import annotations

from grader.audit.program import Step, Value
from grader.audit.style import Style

# What makes fresh memory that its own backward pass does not read.
FRESH = frozenset("convolution batch_norm linear add sub".split())
ACTIVATIONS = ("{self}.relu_()", "F.relu({self}, inplace=True)", "torch.relu_({self})", "{self}.clamp_(min=0)")
SUMS = ("{self} += {other}", "{self}.add_({other})", "{self}[:] += {other}")


class InPlace(Style):
    """+=, relu_ and inplace=True."""

    def prepare(self) -> None:
        self.fresh_values = {
            step.out for step in self.program.steps() if step.op in FRESH and self.uses.get(step.out) == 1
        }

    def step(self, step: Step) -> list[str]:
        target = next(iter(step.inputs), Value(0))
        templates = {"relu": ACTIVATIONS, "add": SUMS}.get(step.op, ())
        if not templates or target not in self.fresh_values or step.detached or set(step.arguments) > {"self", "other"}:
            return super().step(step)
        arguments = {name: self.text(term) for name, term in step.arguments.items()}
        said = self.rng.choice(templates).format(**arguments)
        name = self.bind(step.out, step.inputs)
        return [said if step.op == "add" or said.startswith(f"{name}.") else f"{name} = {said}"]
