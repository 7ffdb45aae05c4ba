"""Code that was written for a GPU runs on the CPU behind the wall as it stands, and is judged like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from walls import RESBLOCK, graded, grading

from grader.pipeline import Grader

SUM = "torch.relu(self.branch(x) + self.shortcut(x))"
MADE = "        self.shortcut = nn.Identity()"


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with grading(diagnose=False) as started:
        yield started


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (MADE, f"        self.branch.cuda()\n{MADE}"),
        (MADE, f"        self.branch.cuda(0).to('cuda:0', non_blocking=True)\n{MADE}"),
        (MADE, f"        self.branch = self.branch.to(device=torch.device('cuda', 0))\n{MADE}"),
        ("3, stride, 1, bias=False", "3, stride, 1, bias=False, device='cuda'"),
        ("3, stride, 1, bias=False", "3, stride, 1, bias=False, device=torch.device('cuda:0')"),
        (SUM, f"{SUM}.cuda()"),
        ("        return", "        x = x.to('cuda', non_blocking=True)\n        return"),
        ("        return", "        x = x + torch.zeros(1, device='cuda', dtype=x.dtype)\n        return"),
        (
            "        return",
            "        x = x + torch.zeros_like(x, device='cuda:0').cuda()\n        return",
        ),
        ("        return", "        torch.cuda.synchronize()\n        torch.cuda.empty_cache()\n        return"),
        ("        return", "        with torch.autocast('cuda', enabled=False):\n            return"),
        ("        return", "        with torch.autocast(device_type='cuda', dtype=torch.float16):\n            return"),
        ("        return", "        with torch.amp.autocast('cuda'):\n            return"),
        ("        return", "        with torch.cuda.amp.autocast():\n            return"),
        ("        return", "        with torch.cuda.device(0):\n            return"),
        ("        return", "        with torch.cuda.stream(torch.cuda.Stream()):\n            return"),
        ("import torch\n", "import torch\ntorch.set_default_device('cuda')\n"),
        ("import torch\n", "import torch\ntorch.backends.cudnn.benchmark = True\ntorch.cuda.manual_seed_all(0)\n"),
        (MADE, f"        self.begin = torch.cuda.Event(enable_timing=True)\n        self.begin.record()\n{MADE}"),
        ("class ResBlock", "device = torch.device('cuda')\nscaler = torch.amp.GradScaler('cuda')\n\nclass ResBlock"),
        (MADE, f"        self.register_buffer('one', torch.ones(1, device='cuda'))\n{MADE}"),
        (MADE, f"        self.name = torch.cuda.get_device_name(0), torch.cuda.memory_allocated()\n{MADE}"),
        (
            MADE,
            f"        self.many = torch.cuda.get_device_properties(0).total_memory\n{MADE}",
        ),
    ],
)
def test_code_for_a_gpu_is_judged_as_it_stands(grader: Grader, tmp_path: Path, old: str, new: str) -> None:
    """Every way to name a GPU means the CPU there."""
    assert old in RESBLOCK
    report = graded(grader, tmp_path, RESBLOCK.replace(old, new, 1))
    resblock = report.exercises[0]
    assert 40.0 == resblock.score, [*report.repairs, *(check.message for check in resblock.checks)]
