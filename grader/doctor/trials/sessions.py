"""Two submissions at the same time do not know of each other."""

from __future__ import annotations

import secrets

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, execute, holds, off, processes_called, told
from grader.sandbox import Isolation


class SessionsApart(Trial):
    """One session holds a file and waits; another, of the same user, looks for both."""

    id = "sessions-apart"
    title = "Sessions do not see one another"

    def source(self, ground: Ground) -> str:
        raise NotImplementedError  # `attempt` writes it

    def attempt(self, ground: Ground) -> Facts:
        name = f"gd-{secrets.token_hex(5)}"
        # Without a wall the others are this machine's own, and the file would stay there.
        folders = (".",) if ground.isolation is Isolation.NONE else (".", "/dev/shm", "/tmp")
        with ground.session(self.limits) as victim, ground.session(self.limits) as attacker:
            execute(
                victim,
                f"""
ctypes.CDLL(None).prctl(15, b"{name}", 0, 0, 0)
for folder in {folders!r}:
    with contextlib.suppress(OSError):
        with open(os.path.join(folder, "{name}"), "x") as file: file.write("42")
tell(pid=os.getpid(), scratch=os.getcwd())
""",
            )
            numbers = processes_called(name)
            facts = self.run(attacker, _look_for(name, numbers), ground)
            execute(
                victim,
                f"""
tell(alive=True)
for folder in {folders!r}:
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(folder, "{name}"))
""",
            )
            victim.close()
            own = told(victim)
        return Facts({**facts.told, "waited": bool(own.get("alive"))}, facts.ended, facts.problem)

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if not facts["waited"]:
            return off("the other session did not live to the end")
        for name, words in (("read", "could be read"), ("signalled", "could be signalled"), ("listed", "was listed")):
            if facts[name]:
                return off(f"of the other session {words}: {', '.join(map(str, facts[name]))}")
        return holds("neither a file nor the process of the other one was found")


def _look_for(name: str, numbers: list[int]) -> str:
    return f"""
others = [pid for pid in {numbers!r} if pid != os.getpid()]
folders = [".", "..", "/dev/shm", "/tmp", "/scratch"]
with contextlib.suppress(OSError):
    folders += [os.path.join("..", entry) for entry in os.listdir("..")[:100]]
folders += [f"/proc/{{pid}}/cwd" for pid in others]
tell(
    read=[folder for folder in folders if attempt(lambda: open(os.path.join(folder, "{name}")).read()) == "done"]
         + [f"/proc/{{pid}}/{{what}}" for pid in others for what in ("mem", "environ", "maps")
            if attempt(open, f"/proc/{{pid}}/{{what}}") == "done"],
    signalled=[pid for pid in others if attempt(os.kill, pid, 0) == "done"],
    listed=sorted(set(pids()) & set(others)),
)
"""
