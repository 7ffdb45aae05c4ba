"""`results.json`: the whole run as data, field by field as `grader.verdict` declares it.

The order of the fields is that of the models and numbers are rounded there, so that the same run is the same
bytes. Reports are written one at a time: a class of ten thousand never stands in memory.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable
from typing import Any, TextIO

from grader.formats._format import Document, Run
from grader.formats._text import INVISIBLE
from grader.verdict import SCHEMA_VERSION, Report, Results

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Json(Document):
    """Writes `results.json`."""

    id = "json"
    file = "results.json"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        head = {
            "schema_version": SCHEMA_VERSION,
            "assignment": run.assignment.id,
            "grader_version": run.grader_version,
            "seed": run.seed,
            "isolation": run.isolation,
            "device": run.device,
        }
        stream.write(_dumps(head).removesuffix("\n}") + ',\n  "submissions": [')
        separator, end = "\n", "]"
        for report in reports:
            stream.write(separator + textwrap.indent(_dumps(document(report)), "    "))
            separator, end = ",\n", "\n  ]"
        stream.write(end + "\n}\n")


def document(report: Report) -> dict[str, Any]:
    """One entry of `submissions`, as plain values that every JSON parser reads back."""
    plain: dict[str, Any] = _plain(report.model_dump(mode="json"))
    return plain


def schema() -> dict[str, Any]:
    """The JSON Schema of `results.json`."""
    result = Results.model_json_schema(mode="serialization")
    result = {"$schema": "https://json-schema.org/draft/2020-12/schema", **result, "title": "results.json"}
    for name, model in [("Results", result), *result["$defs"].items()]:
        if "properties" not in model:
            continue
        model["required"] = list(model["properties"])  # a default still gets written
        for field, declared in model["properties"].items():
            declared.pop("default", None)
            declared.pop("title", None)
            declared["description"] = _DESCRIPTIONS[name, field]
    result["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    return result


def _dumps(value: object) -> str:
    """JSON, with escapes for what a terminal or a CI runner would act upon: the value is the same."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return INVISIBLE.sub(_escaped, text).replace("##", "#\\u0023")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(match[0])[1:-1]


def _plain(value: Any, *, spelled: bool = False) -> Any:
    """The same value without what JSON cannot say.

    Half of a UTF-16 pair, which no encoder accepts, is replaced. A number that is none is spelled out where a
    student's module gave it; anywhere else it is a fault of the grader, and `_dumps` refuses it.
    """
    if isinstance(value, dict):
        return {
            _plain(key): _plain(item, spelled=spelled or key in ("expected", "actual")) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_plain(item, spelled=spelled) for item in value]
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if spelled and isinstance(value, float) and not math.isfinite(value):
        return str(value)  # nan, inf, -inf
    return value


# Said here and not in the models, since only this document needs it said.
_DESCRIPTIONS = {
    ("Results", "schema_version"): "Rises when a reader of the old shape would misread the new one.",
    ("Results", "assignment"): "Id of the assignment.",
    ("Results", "grader_version"): "Version of the grader that wrote this.",
    ("Results", "seed"): "Seed of all inputs and weights that were drawn.",
    ("Results", "isolation"): "The wall between the grader and the students' code: bwrap, landlock or none.",
    ("Results", "device"): "Where the reference ran.",
    ("Results", "submissions"): "One entry for each submission, sorted by student.",
    ("Report", "student"): "Name of the student as the folder or file gives it, safe as a file name.",
    ("Report", "file"): "The file that was handed in.",
    ("Report", "status"): "How far this submission got.",
    ("Report", "score"): "Points won.",
    ("Report", "max_score"): "Points there are, those included that a human still decides about.",
    ("Report", "exercises"): "In the order of the assignment.",
    ("Report", "repairs"): "What was mended or skipped so that the file could be run.",
    ("Report", "warnings"): "What somebody should know who relies on this entry.",
    ("ExerciseReport", "id"): "Id of the exercise.",
    ("ExerciseReport", "score"): "Points won.",
    ("ExerciseReport", "max_score"): "Points there are.",
    ("ExerciseReport", "correct"): "True only when every check of this exercise passed.",
    ("ExerciseReport", "checks"): "What was asked of this exercise, and how each ended.",
    ("ExerciseReport", "diagnoses"): "Named mistakes that explain the failures.",
    ("CheckResult", "id"): "Id of the check.",
    ("CheckResult", "status"): "How this check ended; `skipped` and `grader_broke` leave it to a human.",
    ("CheckResult", "score"): "Points won.",
    ("CheckResult", "max_score"): "Points there are.",
    ("CheckResult", "message"): "One sentence for the student.",
    (
        "CheckResult",
        "expected",
    ): "What the reference gives. Numbers that JSON lacks are spelled nan, inf, -inf.",
    ("CheckResult", "actual"): "What the student's code gives, spelled alike.",
    ("CheckResult", "cell"): "Cell of the notebook, counted from 1 over all cells.",
    ("CheckResult", "line"): "Line in that cell, counted from 1.",
    ("Diagnosis", "mistake"): "Stable id of the mistake.",
    ("Diagnosis", "proof"): "What the naming rests on.",
    ("Diagnosis", "message"): "One sentence for the student.",
    ("Diagnosis", "cell"): "Cell of the notebook, counted from 1 over all cells.",
    ("Diagnosis", "line"): "Line in that cell, counted from 1.",
}
