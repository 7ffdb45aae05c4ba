"""What comes out of a session: answers to what was asked, and so much output."""

from __future__ import annotations

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, holds, off

_FLOOD_MIB = 4


class ForgedAnswers(Trial):
    """An answer that the cell writes itself, to a question whose identifier it cannot know."""

    id = "forged-answers"
    title = "Forged answers refused"

    def source(self, ground: Ground) -> str:
        return """
            text = b'{"id": "00000000000000000000000000000000", "ok": true, "cells": [], "defined": {}}'
            tell(begun=True)
            os.write(3, len(text).to_bytes(4, "little") + bytes(8) + text)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["begun"] and facts.ended == "ProtocolViolated":
            return holds("one was seen, and its session ended")
        return off("one was taken for an answer, or overlooked")


class OutputLimit(Trial):
    """More on standard output than anybody wants to keep."""

    id = "output-limit"
    title = "Output limited"

    def source(self, ground: Ground) -> str:
        return f"""
            tell(begun=True)
            block = b"x" * (1 << 16)
            for _ in range({_FLOOD_MIB << 4}):
                os.write(1, block)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        kept, limit = facts.output_bytes >> 10, self.limits.output_bytes >> 10
        if not facts["begun"] or facts.ended or facts.problem:
            raise KeyError("begun")
        if kept > limit:
            return off(f"{kept} KiB were kept where {limit} are allowed")
        return holds(f"of {_FLOOD_MIB} MiB {kept} KiB were kept")
