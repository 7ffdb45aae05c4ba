"""Blocks of several paths whose results are not added.

Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (2017), equation (2): the results of
the paths are added up.
"""

from __future__ import annotations

from grader.mistakes._families import RESNEXT_PATHS
from grader.mistakes._mistake import Planted, changed, plant
from grader.mistakes._paths import average, keep_last, put_in_a_row, summed

SUM = "out = sum(path(x) for path in self.paths)"
IN_A_ROW = "out = x\n        for path in self.paths:\n            out = path(out)"
MADE = "self.paths = nn.ModuleList([make_path(in_channels, stride) for _ in range(cardinality)])"


class PathsNotAdded(Planted):
    id = "paths-not-added"
    message = "The results of the paths are not added up: the branch is the sum of what all paths make of x."
    why = (
        "Each path gets the same input and finds something of its own, and the sum collects it all. Only as a sum are "
        "many small paths the same as one bottleneck with a grouped convolution."
    )
    hints = (
        "The paths of a ResNeXt block lie side by side: all of them start at x, and their results meet in one sum.",
        "Look at the loop over the paths in `forward`. What does each path get, and what happens to its result?",
        "Give x to each path, and add: `out = sum(path(x) for path in self.paths)`.",
    )
    plants = (
        plant(
            summed(average),
            where="convolution 2",
            message="The mean of the paths is taken. It is their sum: the results are added up, and nothing divides "
            "them.",
        ),
        *(
            plant(
                put_in_a_row(fitted=fitted),
                where="convolution 2",
                message="The paths run one behind the other, each on the result of the one before. They lie side by "
                "side: each of them gets x, and their results are added up.",
            )
            for fitted in (False, True)
        ),
        plant(
            summed(keep_last),
            where="convolution 2",
            message="Only the last path counts: the results of the others are lost. The results of all paths are added "
            "up.",
        ),
    )
    broken = (
        changed(RESNEXT_PATHS, (SUM, "out = torch.stack([path(x) for path in self.paths]).mean(0)")),
        changed(RESNEXT_PATHS, (SUM, f"{SUM} / len(self.paths)")),
        changed(RESNEXT_PATHS, (SUM, IN_A_ROW)),
        changed(
            RESNEXT_PATHS,
            (
                MADE,
                "self.paths = nn.Sequential(make_path(in_channels, stride), *(make_path(out_channels, 1) for _ in "
                "range(cardinality - 1)))",
            ),
            (SUM, "out = self.paths(x)"),
        ),
        changed(RESNEXT_PATHS, (SUM, "for path in self.paths:\n            out = path(x)")),
    )
