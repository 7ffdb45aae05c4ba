"""What a wrong answer to a question teaches, and never which one is right."""

from __future__ import annotations

from grader.verdict import Lesson

NOT_ANSWERED = Lesson(
    why=(
        "A question without an answer earns nothing, while a try can only win. The answer is also how you notice what "
        "you have not understood yet."
    ),
    hints=(
        "The answer is a value that your notebook gives to the name in the question.",
        "Find the cell with that name. Does something stand behind the equals sign?",
        "Write your answer there, at the left margin of the cell.",
    ),
)

NO_OPTION = Lesson(
    why=(
        "The answer was read, but it is none of those to choose from. It may be right in other words, and still nobody "
        "can tell."
    ),
    hints=(
        "A choice is answered by the letter of its option.",
        "Compare what you wrote with the list of options in the question.",
        "Write one of the letters in quotes, and nothing else.",
    ),
)

TOO_MANY = Lesson(
    why=(
        "Who names several options has not decided, and just one is asked for. So no points can be given, even if one "
        "of them is right."
    ),
    hints=(
        "The question says how many options fit.",
        "Read the question once more, and look for the word that rules the others out.",
        "Keep the one that you are most sure of.",
    ),
)

WRONG_OPTION = Lesson(
    why=(
        "Behind each wrong option is an idea that many people have at first. The reason that is given above shows "
        "where it leads astray."
    ),
    hints=(
        "Try the option on the smallest example that you can think of, and see if it holds.",
        "Go back to the part of the text or the code that the question is about.",
        "Choose again, and say to yourself in one sentence why it must be so.",
    ),
)

NOT_ALL = Lesson(
    why=(
        "Each option that you chose is right, so you are on the way. The question asks for all that fit, and some are "
        "still missing."
    ),
    hints=(
        "Each option is a question of its own: true or false?",
        "Go through the options that you left out, one by one.",
        "Add those that hold as well.",
    ),
)

NO_NUMBER = Lesson(
    why="A prediction is compared as a number, and what you gave is none. So it can be neither right nor close.",
    hints=(
        "Python numbers have a point and no unit. A shape is a row of whole numbers in brackets.",
        "Look at the line with your answer: is there a word, a unit or a comma too many?",
        "Write the bare value, such as `3.5`, or a shape such as `(1, 3, 32, 32)`.",
    ),
)

WRONG_NUMBER = Lesson(
    why=(
        "To say beforehand what comes out is the best test of whether you understand a layer. A wrong number shows "
        "which step to look at again."
    ),
    hints=(
        "Go layer by layer, and write down the shape or the count behind each of them.",
        "Find the first step in which you guessed, and look up its rule in the task or in the documentation.",
        "Work it out again with that rule, then run the code to see if it agrees.",
    ),
)
