"""Memory that processes share is counted once, whoever may look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

# A process of another user, with 60 MiB that its three children share with it.
FAMILY = """
import os, time
shared = bytearray(60 << 20)
for i in range(0, len(shared), 4096):
    shared[i] = 1
for _ in range(3):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
print("ready", flush=True)
time.sleep(60)
"""
LOOKS = """
import subprocess, sys
from grader.sandbox import memory
family = subprocess.Popen(
    ["python3", "-I", "-S", "-c", sys.argv[1]], stdout=subprocess.PIPE, user=4_242, group=4_242, extra_groups=[]
)
family.stdout.readline()
pids = memory._tree(family.pid, True)
try:
    open(f"/proc/{family.pid}/smaps_rollup").read()
    print("readable", end=" ")
except PermissionError:
    print("forbidden", end=" ")
print(memory.resident_mib(family.pid), memory.proportional_mib(family.pid))
subprocess.run(["kill", "-9", *map(str, pids)])
"""


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root has powers to leave out")
@pytest.mark.parametrize("may_look", [True, False])
def test_shared_memory_is_counted_once(may_look: bool) -> None:
    """Root without CAP_SYS_PTRACE, as Docker starts it, sees what the processes' own user sees."""
    # The last two let newer kernels' root look as well.
    powers = "-sys_ptrace,-sys_admin,-perfmon"
    fewer = [] if may_look else ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
    said = subprocess.check_output([*fewer, sys.executable, "-c", LOOKS, FAMILY], text=True).split()
    assert ("readable" if may_look else "forbidden") == said[0]
    assert int(said[1]) > 4 * 60
    assert int(said[2]) < 2 * 60
