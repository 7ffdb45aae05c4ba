"""What else students leave in their code."""

from __future__ import annotations

from grader.audit.program import Step
from grader.audit.style import Style

LAYERS = ("nn.Identity()", "nn.Dropout(0)", "nn.Sequential()", "nn.Dropout2d(p=0.0)")  # that do nothing


class Noisy(Style):
    """Assertions, prints, `.item()` in an f-string, layers that do nothing, arguments nobody asked for."""

    def prepare(self) -> None:
        self.idle = [f"idle{n}" for n in range(self.rng.randrange(1, 4))]

    def opening(self) -> list[str]:
        lines = [f"self.{name} = {self.rng.choice(LAYERS)}" for name in self.idle]
        return [*lines, "self.calls = 0"] if self.rng.random() < 0.5 else [*lines, "self.verbose = verbose"]

    def closing(self) -> list[str]:
        if self.rng.random() < 0.5:
            return []
        return [
            "for p in self.parameters():",
            "    if p.dim() > 1:",
            "        nn.init.kaiming_normal_(p, nonlinearity='relu')",
        ]

    def parameters(self) -> str:
        return f"{super().parameters()}, verbose=False, **kwargs"

    def noise(self) -> list[str]:
        lines = (
            "assert x.dim() >= 2, x.shape",
            "shape = tuple(x.shape)",
            "if torch.isnan(x).any(): print('NaN', x.mean().item())",
            "message = f'mean {x.mean().item():.3f} of {len(x)}'",
            "with torch.no_grad(): norm = x.norm().item()",
            '"""One forward pass."""',
        )
        return self.rng.sample(lines, self.rng.randrange(1, len(lines)))

    def step(self, step: Step) -> list[str]:
        lines = super().step(step)
        if self.rng.random() < 0.15 and step.op in ("convolution", "batch_norm", "relu"):
            name = self.names[step.out]
            lines.append(f"{name} = self.{self.rng.choice(self.idle)}({name})")
        return lines
