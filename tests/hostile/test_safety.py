"""The corpus is safe to have: where nobody arms it, and outside of a namespace of its own, it does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from attacks import FAMILIES, UNARMED, Attack, attacks

EVERY = [attack for family in FAMILIES for attack in attacks(family)]

# Runs the cells; whatever an attack could do after its imports is refused, and told.
RUNNER = """
import json, os, sys
cells = json.load(sys.stdin)
for module in ("torch", "ctypes", "IPython.core.interactiveshell", "grader.worker.operations", "grader.worker.serve"):
    __import__(module)
DANGEROUS = ("os.kill", "os.fork", "os.exec", "os.posix_spawn", "os.link", "os.symlink", "os.mkdir", "os.remove",
             "os.rename", "os.rmdir", "os.chmod", "socket.", "subprocess.", "ctypes.", "signal.", "shutil.")
def watch(event, arguments):
    if event.startswith(DANGEROUS) or (event == "open" and "w" in str(arguments[1])):
        os.write(1, f"danger: {event}".encode())
        os._exit(1)
for notebook in cells:
    if os.fork():
        code = os.waitstatus_to_exitcode(os.wait()[1])
        if code:
            sys.exit(f"{notebook['name']} ended with {code}")
        continue
    sys.addaudithook(watch)
    try:
        namespace = {}
        for source in notebook["sources"]:
            exec(source, namespace)
        namespace["ResBlock"](4, 4)
    except SystemExit as refused:
        os._exit(0 if "namespace of its own" in str(refused) else 2)
    os._exit(3)
"""


def sources(attack: Attack, line: str) -> list[str]:
    cells = [cell for cell in attack.notebook["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]).replace(UNARMED, line) for cell in cells]


@pytest.mark.parametrize("line", [UNARMED, f"OUTSIDE, TARGETS = {os.readlink('/proc/self/ns/pid')!r}, {{}}"])
def test_outside_of_its_range_an_attack_does_nothing(line: str) -> None:
    """Neither in a student's or teacher's Jupyter, nor in the very namespace that it was armed against."""
    notebooks = [{"name": str(attack.path), "sources": sources(attack, line)} for attack in EVERY]
    run = subprocess.run(
        [sys.executable, "-c", RUNNER], input=json.dumps(notebooks), capture_output=True, text=True, check=False
    )
    assert (0, "") == (run.returncode, run.stdout), run.stderr


def test_the_first_cell_is_the_same_everywhere() -> None:
    """What keeps them harmless is read once, and not a hundred times."""
    assert 1 == len({sources(attack, UNARMED)[0] for attack in EVERY})
    assert all(UNARMED in sources(attack, UNARMED)[0] for attack in EVERY)


def test_the_corpus_is_as_large_as_is_said() -> None:
    """A family that is not found would prove nothing."""
    assert all(len(attacks(family)) >= 20 for family in FAMILIES)
    assert len({attack.claim for attack in EVERY}) == len(EVERY)
