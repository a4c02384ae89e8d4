"""Child processes that do not outlive us: the database, the sandbox, the parts of `make run`."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)


def start(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    user: int | None = None,
    group: int | None = None,
    farewell: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, so that Ctrl-C reaches us alone and we stop things in order.

    If we die without a word (kill -9), Linux sends it `farewell`. Other systems cannot: there it stays.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        user=user,
        group=group,
        extra_groups=None if group is None else [],
        start_new_session=True,
        # Runs after the change of user, which would clear the wish.
        preexec_fn=_die_with_parent(farewell),  # noqa: PLW1509 we start children before any thread
    )


def stop(child: subprocess.Popen[bytes], *, seconds: float, farewell: signal.Signals = signal.SIGTERM) -> None:
    """Ask a child to end; after `seconds`, or if it ended by itself, end it and whatever it started."""
    if child.poll() is None:
        child.send_signal(farewell)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):  # nothing is left (macOS: but zombies)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _die_with_parent(farewell: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def wish() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the wish was made

    return wish
