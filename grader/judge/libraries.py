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
    stopped: Problem | Raised | None = next(iter(seen.raised), None)
    if seen.found is None:
        blamed = seen.stands.blamed(seen.problems)
        stopped = next((each for each in blamed if not each.is_import), next(iter(blamed), None))
    if stopped is None:
        return ""
    if library := _needed(stopped, seen.problems):
        return library
    if stopped.type != "NameError" or not set(stopped.message.split("'")[1:2]) & set(seen.defined):
        return ""
    # What the text defines and the run lacks was left out, for the same reason perhaps.
    left_out = (each for each in seen.problems if not each.is_import)
    return next((library for each in left_out if (library := _needed(each, seen.problems))), "")


def _needed(stopped: Problem | Raised, problems: Sequence[Problem]) -> str:
    """The library whose import failed, for lack of which something stopped; or ""."""
    libraries = ((each, _library(each)) for each in problems)
    return next((name for each, name in libraries if name and (stopped == each or each.keeps_from(stopped))), "")


def _library(problem: Problem) -> str:
    found = _MISSING.match(problem.message) if problem.is_import and problem.type == "ModuleNotFoundError" else None
    return found[1] if found is not None and found[1].casefold() in LIBRARIES else ""
