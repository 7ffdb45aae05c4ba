"""An assignment is data: `assignment.toml`, read into these models. Unknown keys are refused.

assignments/residual-blocks/assignment.toml
    id, title, [limits], [hints], [release], and a list of [[exercise]], each of one kind:
        module    a class, compared with a reference class over declared cases
        network   a function or class that builds a network out of such modules
        function  a function, compared with a reference function on drawn arguments
        experiment  a function, run again and again: a claim about the numbers that are measured of what it returns
        essay     a written answer, collected for a human to mark; with concepts, points are proposed
        choice    a question with options, of which one is right, or several
        predict   a question whose answer is a number, or a shape

Its files:

spec        what every table is, and the values that stand in several
settings    limits, hints, release: what holds whatever is asked
exercise    what all kinds of exercises have in common
case, code  what modules and networks have in common
answered    what essays and quizzes have in common
module, network, function, experiment, essay, choice, predict    a kind of exercise each
assignment  the whole
load        a folder -> Assignment
complaints  what is wrong with a file, and where
find        an id or a folder -> Assignment
"""

from grader.assignment.assignment import (
    Assignment,
    CalledExercise,
    CodeExercise,
    Exercise,
    QuizExercise,
    names_of,
)
from grader.assignment.case import Case
from grader.assignment.choice import ChoiceExercise, Option
from grader.assignment.essay import Concept, EssayExercise, Misconception
from grader.assignment.exercise import Visibility
from grader.assignment.experiment import Bound, Claim, ExperimentExercise, Series, Training
from grader.assignment.find import find_assignment
from grader.assignment.function import Drawn, FunctionCase, FunctionExercise, KnownFault
from grader.assignment.load import load_assignment
from grader.assignment.module import BlockDeparture, ModuleExercise, ShortcutOption
from grader.assignment.network import NetworkDeparture, NetworkExercise
from grader.assignment.predict import ROUNDING, PredictExercise, Value, WrongValue
from grader.assignment.settings import Hints, Limits, Release
from grader.assignment.spec import UNTOLD, Argument, Identifier, Plain, PythonName, ReferenceName
from grader.bundled import shipped_assignments, shipped_folder

__all__ = [
    "ROUNDING",
    "UNTOLD",
    "Argument",
    "Assignment",
    "BlockDeparture",
    "Bound",
    "CalledExercise",
    "Case",
    "ChoiceExercise",
    "Claim",
    "CodeExercise",
    "Concept",
    "Drawn",
    "EssayExercise",
    "Exercise",
    "ExperimentExercise",
    "FunctionCase",
    "FunctionExercise",
    "Hints",
    "Identifier",
    "KnownFault",
    "Limits",
    "Misconception",
    "ModuleExercise",
    "NetworkDeparture",
    "NetworkExercise",
    "Option",
    "Plain",
    "PredictExercise",
    "PythonName",
    "QuizExercise",
    "ReferenceName",
    "Release",
    "Series",
    "ShortcutOption",
    "Training",
    "Value",
    "Visibility",
    "WrongValue",
    "find_assignment",
    "load_assignment",
    "names_of",
    "shipped_assignments",
    "shipped_folder",
]
