"""What is taught where a function that was called, or an experiment, is not as it should be."""

from __future__ import annotations

from grader.verdict import Lesson

NOT_THERE = Lesson(
    why=(
        "The grader calls your function by its name. If the notebook does not define that name, there is nothing to "
        "call."
    ),
    hints=(
        "A name is defined when its cell has run, spelt exactly as in the task.",
        "Search the notebook for the name, and look whether a cell before it stops with an error.",
        "Define the function in a code cell under exactly that name, and run all cells from the top.",
    ),
)

CELL_STOPS = Lesson(
    why=(
        "A cell that stops with an error defines only what came before the error. The function that is asked for was "
        "not reached."
    ),
    hints=(
        "A notebook is run from top to bottom. Each cell may need what the cells above have made.",
        "Go to the cell that is named here, restart the kernel, and run all cells: the same happens to you.",
        "Mend that cell, or take out what the function does not need.",
    ),
)

RUN_ENDED = Lesson(
    why=(
        "The process was ended before your function had answered, so there was nothing to judge. A result that comes "
        "too late is none."
    ),
    hints=(
        "There is a limit to the time and the memory of a hand-in, far above what the task needs.",
        "Time your function in a cell: `%time` in front of the call shows how long it takes.",
        "Look for a loop that does not end, and for tensors that are far too large. What goes through all choices of "
        "n things takes twice as long with each thing more: count them by a formula.",
    ),
)

RAISES = Lesson(
    why=(
        "A function that stops with an error gives no answer, so no call behind it can be judged. The next person to "
        "use it would be stopped in the same way."
    ),
    hints=(
        "The last line of an error says what went wrong, and the lines above it say where.",
        "Make the same call in a cell of your own, and print the values in front of the line that stops.",
        "Mend that line so that all the calls of the task run through, the unusual ones as well.",
    ),
)

OTHER_VALUE = Lesson(
    why=(
        "The function runs, but what it returns is not what the task describes. Code that builds on it would carry the "
        "fault further without a word."
    ),
    hints=(
        "A function is right when it is right for each argument, and not only for the one you tried.",
        "Take the call that is named here, work it out by hand, and print each step of your function beside it.",
        "Change the first step whose value is not yours, and try a second call.",
    ),
)

NO_GRADIENT = Lesson(
    why=(
        "If no gradient gets through, nothing that stands before this function can learn. The value alone is only half "
        "of what is asked for."
    ),
    hints=(
        "PyTorch goes back along its own operations. A plain number has no way back.",
        "Look for `.item()`, `.data`, `detach()`, `float(...)` and tensors that are made anew from numbers.",
        "Stay with tensors from the argument to the result.",
    ),
)

OTHER_GRADIENT = Lesson(
    why=(
        "The values are right, but a small change of the argument would not have the effect that it should. Training "
        "would go in a wrong direction."
    ),
    hints=(
        "The gradient comes from each operation on the way. If one of them is left out of the history, its share is "
        "missing.",
        "Look for a step that is computed outside of PyTorch, rounded, or cut off.",
        "Write that step with operations of torch, so that its share is counted.",
    ),
)

STOPS = Lesson(
    why="An experiment that stops with an error has no result for that round. A claim needs the numbers of all rounds.",
    hints=(
        "The same function is called again and again, with fresh data and another seed each time.",
        "Make the call in a cell of your own, with data of that kind, and read the last line of the error.",
        "Mend the line that stops, and run a few rounds with different seeds.",
    ),
)

NOT_THE_NUMBERS = Lesson(
    why=(
        "The measure is taken from what you return, so it has to be numbers of the right shape. Anything else cannot "
        "be measured."
    ),
    hints=(
        "You return predictions, and the grader says how good they are.",
        "Print the shape and the dtype of what your function returns, and look for NaN in it.",
        "Return what the task names, as finite numbers, one for each sample it asks for.",
    ),
)

NOT_HELD = Lesson(
    why=(
        "One lucky run proves nothing, so the claim was tested in many rounds. It held in too few of them to be more "
        "than chance."
    ),
    hints=(
        "A sign test asks in how many rounds one side was ahead. Chance alone gives about half of them.",
        "Look at the numbers of each round under the evidence. Is the difference small, or is it sometimes the wrong "
        "way?",
        "Train both sides in the same way, as long as the task says, and change only what the claim is about.",
    ),
)

NO_DIFFERENCE = Lesson(
    why=(
        "The numbers change from round to round, and yet the two series agree in each of them to the last digit. So "
        "both did the same: what should differ between them makes no difference in your code."
    ),
    hints=(
        "A comparison changes one thing and holds all else equal. Here nothing was changed.",
        "Look at the argument that tells the series apart. Where does your function use it, and are the two networks "
        "that it chooses from really different?",
        "Use that argument to build the network, in place of a fixed value, and see that each network is as the task "
        "says.",
    ),
)

ONE_NUMBER = Lesson(
    why=(
        "The same number in every round of both series shows no difference, and does not say why. Both may be equally "
        "good at the task, a constant may be returned, or what should differ does not reach your code."
    ),
    hints=(
        "An error of 0 cannot get smaller: then both have learned everything. With the error of a guess nothing was "
        "learned.",
        "Print what your function returns for each series. Does it change with the data? Has the network that should "
        "be worse a shortcut that it was not to have?",
        "Return what the trained network predicts, and build each network from the arguments that tell the series "
        "apart.",
    ),
)

OTHER_WAY_ROUND = Lesson(
    why=(
        "The difference is there and it is sure, but it points the other way. Either the two sides were mixed up, or "
        "what you return is turned round."
    ),
    hints=(
        "A claim has a direction: which side is larger, and which is smaller.",
        "Check which network is built for which series. Then look at the numbers: an error rate near 1 is worse than "
        "any guess, so there it is the classes that are exchanged.",
        "Swap the two where they are chosen; or, with an error rate near 1, return the class with the largest output "
        "(`argmax`), numbered as the labels are.",
    ),
)

OUT_OF_BOUNDS = Lesson(
    why=(
        "The task gives a range in which the number should lie if all works. Outside of it the training did not do "
        "what it should, or something else was measured."
    ),
    hints=(
        "The middle value of all rounds is judged, so that one odd round does not decide.",
        "Look at the numbers round by round. Are all of them off, or only some?",
        "Check the learning rate, the number of steps and what is returned, against the task. Of an error rate "
        "near 1 the classes are to blame: they are exchanged, since training that fails still does as well as a guess.",
    ),
)

NOT_AS_LONG = Lesson(
    why=(
        "Networks can be compared only if each had the same chance to learn. What is trained longer, or with other "
        "settings, may be better for that reason alone."
    ),
    hints=(
        "The budget of a training is its optimiser, the learning rate and the number of steps.",
        "Count the steps in your loop for each network, and look where the learning rate is set. Is each step made on "
        "all of the data, and is the gradient cleared before it?",
        "Put the constants back as the task has them, and train each network with this one loop, once, on all data.",
    ),
)
