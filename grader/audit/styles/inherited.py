"""One class in two."""

from __future__ import annotations

from grader.audit.style import HEAD, Style, method


class Inherited(Style):
    """forward in a base class and the constructor in the class that is asked for, or the other way round."""

    def assemble(self, name: str, constructor: list[str], forward: list[str]) -> str:
        parts = [method("__init__", self.parameters(), constructor), method("forward", "x", forward)]
        mine = self.rng.randrange(2)
        return (
            f"{HEAD}{self.helpers}\n\nclass Base{name}(nn.Module):\n{parts[1 - mine]}"
            f"\n\nclass {name}(Base{name}):\n{parts[mine]}"
        )
