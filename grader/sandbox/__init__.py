"""The trusted side of the wall: start the processes that run students' code, bound them, talk to them."""

from grader.sandbox.isolation import Isolation, choose
from grader.sandbox.limits import SessionLimits
from grader.sandbox.session import Answer, Session
from grader.sandbox.zygote import Zygote

__all__ = ["Answer", "Isolation", "Session", "SessionLimits", "Zygote", "choose"]
