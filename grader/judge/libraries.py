"""Answers that stand on a library which is not installed where they are graded: that is nobody's mistake."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.judge.seen import Seen
from grader.observation import Problem, Raised

_MISSING = re.compile(r"No module named '(\w{1,60})")
# Those that are used in homework beside PyTorch. What is not among them may be misspelt, or a file that was not handed
# in; what another framework brings answers another task.
LIBRARIES = frozenset(
    "accelerate albumentations captum cv2 d2l datasets einops fastai fvcore gdown h5py ignite imageio ipywidgets "
    "jaxtyping joblib kornia lightning matplotlib monai networkx nltk numba opt_einsum pandas pil ptflops "
    "pytorch_lightning scipy seaborn skimage sklearn statsmodels sympy tensorboard thop timm torchaudio torchinfo "
    "torchmetrics torchsummary torchtext torchvision torchviz tqdm transformers wandb xarray".split()
)


def missing_library(seen: Seen) -> str:
    """The library that an answer needs and that is not here, if that keeps it from running; else ""."""
    if seen.ended is not None or seen.ran:
        return ""
    imports = [(problem, library) for problem in seen.problems if (library := _library(problem))]
    stopped: Problem | Raised | None = next(iter(seen.raised), None)
    if seen.found is None:
        blamed = seen.stands.blamed(seen.problems)
        stopped = next((each for each in blamed if not each.is_import), next(iter(blamed), None))
    return _behind(stopped, imports, seen.problems) if stopped is not None else ""


def _behind(stopped: Problem | Raised, imports: Sequence[tuple[Problem, str]], problems: Sequence[Problem]) -> str:
    """The library without which something stopped: directly, or since what it needs was left out for the same."""
    for problem, library in imports:
        if stopped == problem or problem.keeps_from(stopped):
            return library
    left_out = [
        each for each in problems if not each.is_import and any(problem.keeps_from(each) for problem, _ in imports)
    ]
    if stopped.type == "NameError" and left_out and left_out[0] != stopped:
        return _behind(left_out[0], imports, problems)
    return ""


def _library(problem: Problem) -> str:
    found = _MISSING.match(problem.message) if problem.is_import and problem.type == "ModuleNotFoundError" else None
    return found[1] if found is not None and found[1].casefold() in LIBRARIES else ""
