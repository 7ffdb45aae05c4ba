"""What is seen of an answer that is run, whatever it answers."""

from grader.judge.examined import Examined
from grader.judge.experiment import Experimented
from grader.judge.functions import Called

Seen = Examined | Called | Experimented
