"""Chains of layers in the containers of torch.nn."""

from __future__ import annotations

from grader.audit.chains import Held
from grader.audit.program import Choice


class Sequences(Held):
    """nn.Sequential, one in another now and then."""

    def hold(self, modules: list[str]) -> str:
        if len(modules) > 2 and self.rng.random() < 0.4:
            cut = self.rng.randrange(1, len(modules) - 1)
            modules = [f"nn.Sequential({', '.join(modules[:cut])})", *modules[cut:]]
        return f"nn.Sequential({', '.join(modules)})"

    def use(self, attribute: str, x: str, out: str) -> list[str]:
        return [f"{out} = {attribute}({x})"]


class Shortcuts(Sequences):
    """An empty nn.Sequential or an nn.Identity where a choice has nothing to do."""

    def choice(self, choice: Choice) -> list[str]:
        found = self._module_or_nothing(choice)
        return super().choice(choice) if found is None else found

    def _module_or_nothing(self, choice: Choice) -> list[str] | None:
        """One call, when one way is a chain from a value and the other is that value itself."""
        ways = sorted(choice.ways, key=lambda way: len(way.body))
        if not choice.by_arguments or len(ways) != 2 or len(choice.outs) != 1 or ways[0].body:
            return None
        groups = self._groups(ways[1].body)
        chain = groups[0]
        if len(groups) != 1 or not isinstance(chain, list) or ways[1].results != (chain[-1].out,):
            return None
        if tuple(chain[0].inputs) != ways[0].results or not any(self.layer(step) for step in chain):
            return None
        self.names[choice.outs[0]] = self.fresh()
        before = len(self.held)
        self.chain(chain)
        if len(self.held) == before:
            return None
        condition, (statement,) = self.held.pop()
        attribute = statement.split(" = ")[0]
        nothing = self.rng.choice(("nn.Sequential()", "nn.Identity()"))
        self.held += [("", [f"{attribute} = {nothing}"]), (condition, [statement])]
        return [f"{self.names[choice.outs[0]]} = {attribute}({self.text(chain[0].arguments['self'])})"]


class Loops(Held):
    """nn.ModuleList, and a loop over it."""

    def hold(self, modules: list[str]) -> str:
        return f"nn.ModuleList([{', '.join(modules)}])"

    def use(self, attribute: str, x: str, out: str) -> list[str]:
        start = [] if x == out else [f"{out} = {x}"]
        if self.rng.random() < 0.3:
            return [*start, f"for i in range(len({attribute})):", f"    {out} = {attribute}[i]({out})"]
        return [*start, f"for layer in {attribute}:", f"    {out} = layer({out})"]


class Dictionaries(Held):
    """nn.ModuleDict, its values in turn or by key."""

    def hold(self, modules: list[str]) -> str:
        pairs = ", ".join(f'"{"abcdefghijklmnopqrstuvwxyz"[n % 26]}{n}": {text}' for n, text in enumerate(modules))
        return f"nn.ModuleDict({{{pairs}}})"

    def use(self, attribute: str, x: str, out: str) -> list[str]:
        start = [] if x == out else [f"{out} = {x}"]
        if self.rng.random() < 0.5:
            return [*start, f"for key in {attribute}:", f"    {out} = {attribute}[key]({out})"]
        return [*start, f"for layer in {attribute}.values():", f"    {out} = layer({out})"]
