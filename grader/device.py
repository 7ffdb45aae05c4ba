"""Where the reference runs."""

from __future__ import annotations

from grader.errors import UsageError


def choose_device(wanted: str) -> str:
    """`cuda` where torch sees one, unless told otherwise."""
    import torch

    if wanted == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UsageError("--device cuda: torch sees no CUDA device here; use --device auto or cpu")
    return "cpu"
