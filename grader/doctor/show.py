"""A checkup as the terminal shows it: a line for each wall, a line for each protection, remedies below what is off."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.doctor.findings import Checkup, Machine, Protection, Status
from grader.formats._text import visible

_WIDTH_OF_A_PIPE = 120
_SIGNS = {
    Status.HOLDS: ("✓", "green"),
    Status.WEAKER: ("!", "yellow"),
    Status.OFF: ("✗", "bold red"),
    Status.NOT_TRIED: ("?", "yellow"),
}
_WORDS = {Status.WEAKER: "weaker: ", Status.OFF: "OFF: ", Status.NOT_TRIED: "not tried: "}


def show(checkup: Checkup) -> None:
    """Print it on standard output, without colours in a pipe."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    for line in _machine(checkup):
        console.print(Text(line))
    console.print()
    console.print(Text("Walls", style="bold"))
    console.print(_walls(checkup))
    if checkup.protections:
        console.print()
        where = "without a wall" if checkup.isolation == "none" else f"from inside the wall ({checkup.isolation})"
        console.print(Text(f"Tried {where}", style="bold"))
        console.print(_protections(checkup))
    console.print()
    console.print(_verdict(checkup))


def _machine(checkup: Checkup) -> list[str]:
    machine = checkup.machine
    who = "root" if machine.root else "an ordinary user"
    return [
        f"grader {checkup.grader_version}, Python {machine.python}, PyTorch {machine.torch}",
        f"Linux {machine.kernel} ({machine.architecture}), {machine.cores} cores, "
        f"{machine.memory_mib:,} MiB of memory, cgroups: {machine.cgroups}, run by {who}",
        f"The reference runs on {_device(machine)}",
    ]


def _device(machine: Machine) -> str:
    return "the CPU" if machine.device == "cpu" else f"the GPU: {visible(machine.gpu or machine.device)}"


def _walls(checkup: Checkup) -> Table:
    has = {
        "bwrap": f"bubblewrap {checkup.machine.bubblewrap or ''}",
        "landlock": f"ABI {checkup.machine.landlock_abi}; the weaker wall",
    }
    table = _grid()
    for wall in checkup.walls:
        if wall.available:
            table.add_row(Text("✓", "green"), Text(wall.name), Text(has[wall.name].strip()))
        else:
            table.add_row(Text("✗", "bold red"), Text(wall.name), Text(visible(wall.problem or "")))
            _add_remedy(table, wall.remedy)
    return table


def _protections(checkup: Checkup) -> Table:
    table = _grid()
    told: set[str] = set()
    for each in checkup.protections:
        sign, colour = _SIGNS[each.status]
        seen = Text(_WORDS.get(each.status, ""), colour)
        seen.append(visible(each.seen), "default not bold")
        table.add_row(Text(sign, colour), Text(each.title), seen)
        if each.remedy not in told:  # one cause often opens several
            _add_remedy(table, each.remedy)
        told.add(each.remedy or "")
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _add_remedy(table: Table, remedy: str | None) -> None:
    if remedy:
        table.add_row("", "", Text(f"→ {visible(remedy)}"))


def _verdict(checkup: Checkup) -> Text:
    if checkup.isolation is None:
        problem = visible(checkup.problem or "")
        return Text(f"✗ No wall stands here, so nothing is graded. {problem}", "red")
    if checkup.isolation == "none":
        return Text("✗ Without a wall the code runs with all your rights, as you asked (--isolation none).", "red")
    if not checkup.ok:
        parts = [
            f"{count} {words}"
            for count, words in (
                (_count(checkup.protections, Status.OFF), "off"),
                (_count(checkup.protections, Status.NOT_TRIED), "not tried"),
            )
            if count
        ]
        return Text(f"✗ Of {len(checkup.protections)} protections: {', '.join(parts)}.", "red")
    if checkup.isolation == "landlock":
        return Text("! The weaker wall stands, and what it promises holds. bubblewrap makes the full one.", "yellow")
    return Text("✓ The full wall stands, and everything that it promises holds.", "green")


def _count(protections: list[Protection], status: Status) -> int:
    return sum(each.status is status for each in protections)
