"""Questions with an answer that is known: choose, or say what comes out. Nothing is run for them.

judge_quiz    what was given -> ExerciseReport
options       which options an answer means
numbers       which number or shape an answer means
"""

from grader.quiz.judge import judge_quiz

__all__ = ["judge_quiz"]
