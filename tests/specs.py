"""A spec to plant mistakes in, and what is said of one that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import load_assignment
from grader.errors import AssignmentError

SPEC = """
id = "demo"
title = "Demo"

[[exercise]]
id = "block"
kind = "module"
title = "A block"
name = "Block"
reference = "reference:Block"
points = { shape = 10 }

[[exercise.case]]
title = "small"
arguments = { channels = 4, stride = 1 }
input = [4, 8, 8]

[[exercise.case]]
title = "large"
arguments = { channels = 8, stride = 1 }
input = [8, 8, 8]

[[exercise]]
id = "net"
kind = "network"
title = "A network"
name = "build"
outputs = "classes"
points = { shape = 5 }

[[exercise.case]]
title = "ten"
arguments = { classes = 10 }
input = [3, 8, 8]

[[exercise]]
id = "words"
kind = "essay"
title = "In words"
points = 2
"""


def refusal(folder: Path, spec: str | bytes) -> str:
    """What is said of this spec, without the file's name, which every line must begin with."""
    path = folder / "assignment.toml"
    path.write_bytes(spec if isinstance(spec, bytes) else spec.encode())
    with pytest.raises(AssignmentError) as caught:
        load_assignment(folder)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return "\n".join(line.removeprefix(f"{path}: ") for line in lines)


def replaced(old: str, new: str) -> str:
    """SPEC with one mistake: the first `old` there is becomes `new`."""
    assert old in SPEC
    return SPEC.replace(old, new, 1)
