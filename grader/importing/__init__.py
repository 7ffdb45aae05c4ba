"""Assignments of other graders, made into ours. Nothing of them is executed: notebooks, YAML and Python are only read.

nouns       what is read of either: questions with their tests and solutions
nbgrader    a source notebook, by the metadata of its cells
otter       a master notebook, by its raw cells, or a student's notebook beside its tests
tests       otter's test files and what they are worth
code        the Python of a notebook: what it defines, and what that needs
exercises   a question as one of our exercises, as far as that is honest
write       the folder, and the list of what could not be carried over
"""

from grader.importing.nbgrader import read_nbgrader
from grader.importing.nouns import Imported, Left
from grader.importing.otter import read_otter
from grader.importing.write import write_imported, written

__all__ = ["Imported", "Left", "read_nbgrader", "read_otter", "write_imported", "written"]
