"""Instead of steps 1 and 3, in a workflow that may comment: make the comment of another run's `results.json`.

That run was a stranger's: they may have written any file. So what it calls a comment is not used; its results are
read as data, and rendered here, where every text in them is made harmless. Nothing of them is run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner import fail, output, work, workspace

MOST = 64 * 2**20  # bytes


def main() -> None:
    # Installed by step 2; the other steps do without.
    from pydantic import ValidationError

    from grader.assignment import find_assignment, shipped_assignments
    from grader.errors import GraderError
    from grader.formats import Run
    from grader.formats.markdown import Markdown
    from grader.verdict import Results

    source = Path(workspace(), os.environ["INPUT_RESULTS_FILE"])
    if not source.is_file() or source.is_symlink() or source.stat().st_size > MOST:
        fail("the input `results-file` names no file, a link, or one that is too large")
    try:
        results = Results.model_validate_json(source.read_bytes())
    except ValidationError as error:
        fail(f"the input `results-file` is no results.json of this version: {error.error_count()} mistakes in it")
    own = os.environ.get("INPUT_ASSIGNMENT", "")
    known = shipped_assignments()
    try:
        if own and own not in known:
            assignment = find_assignment(str(workspace() / own))
        else:
            wanted = own or results.assignment
            if wanted not in known:
                fail("the results are of an assignment that is not shipped: name its folder with `assignment`")
            assignment = find_assignment(str(known[wanted]))
    except GraderError as error:
        fail(str(error))
    run = Run(assignment, results.seed, results.isolation, results.device, results.grader_version)
    Markdown().write_class(work() / "reports", run, results.submissions)
    output("comment", str(work() / "reports" / Markdown.file))


if __name__ == "__main__":
    sys.exit(main())
