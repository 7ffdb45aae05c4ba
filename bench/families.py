"""Are blocks of the families that were written wrongly by hand judged wrong, and are their mistakes named?

Each line that says "passed" or "not named" is a program that the judge gets wrong; there should be none.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from family_programs import WRONG  # noqa: E402
from judging import judge  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # students' code may warn
    seconds, missed = [], 0
    for exercise, mistake, source in WRONG:
        before = time.process_time()
        report = judge(source, exercise)
        seconds.append(time.process_time() - before)
        named = [diagnosis.mistake for diagnosis in report.diagnoses]
        said = " ".join(diagnosis.message for diagnosis in report.diagnoses)
        if report.correct or not (mistake in named or mistake in said):
            missed += 1
            print(f"{'passed' if report.correct else 'not named'}: {exercise}, {mistake}: {named}")
    print(f"{len(WRONG)} programs, {missed} judged wrongly or without the mistake, {_milliseconds(seconds)}")


def _milliseconds(seconds: list[float]) -> str:
    return f"median {1000 * statistics.median(seconds):.0f} ms, most {1000 * max(seconds):.0f} ms"


if __name__ == "__main__":
    main()
