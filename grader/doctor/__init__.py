"""What this machine really enforces: every protection tried from inside, behind the wall that grades."""

from grader.doctor.checkup import examine
from grader.doctor.findings import Checkup, Status

__all__ = ["Checkup", "Status", "examine"]
