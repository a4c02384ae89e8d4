"""The processes of a local run: started one by one, watched, stopped in the opposite order."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests import children

SECONDS_TO_STOP = 15.0
LOUD = re.compile(r"\[(ERROR|CRITICAL)\]|^(\w+\.)*\w+(Error|Exception)\b")


class Ended(Exception):
    """A part ended that should have gone on; the text says which, with its last lines."""


@dataclass
class Part:
    name: str
    log: Path
    process: subprocess.Popen[bytes]
    reader: IO[bytes]
    lasting: bool = True
    farewell: signal.Signals = signal.SIGTERM

    def loud_lines(self) -> Iterator[str]:
        """The errors that it has logged since the last call."""
        for raw in self.reader:
            if not raw.endswith(b"\n"):  # still being written
                self.reader.seek(-len(raw), os.SEEK_CUR)
                return
            if error := error_in(raw.decode(errors="replace").rstrip()):
                yield f"{self.name}: {error} (more in {self.log})"

    def last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


class Parts:
    """Named child processes, each with its log in the folder `logs`."""

    def __init__(self, logs: Path, env: Mapping[str, str]) -> None:
        self.logs = logs
        self.env = {**os.environ, **env}
        self.running: list[Part] = []

    @contextmanager
    def stopped_at_the_end(self) -> Iterator[None]:
        try:
            yield
        finally:
            for part in reversed(self.running):
                children.stop(part.process, seconds=SECONDS_TO_STOP, farewell=part.farewell)
                part.reader.close()

    def start(self, name: str, *command: str | Path, lasting: bool = True) -> Part:
        """Start a part; one that is not `lasting` may end, and complains if it fails."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            process = children.start(command, output=output, env=self.env)
        part = Part(name, log, process, log.open("rb"), lasting)
        self.running.append(part)
        return part

    def adopt(self, name: str, process: subprocess.Popen[bytes], log: Path, farewell: signal.Signals) -> None:
        """Watch a process that was started elsewhere."""
        reader = log.open("rb")
        reader.seek(0, os.SEEK_END)
        self.running.append(Part(name, log, process, reader, farewell=farewell))

    def finish(self, name: str, *command: str | Path) -> None:
        """Run a command to its end. Raises Ended when it fails."""
        part = self.start(name, *command, lasting=False)
        if part.process.wait() != 0:
            raise Ended(f"{name} failed:\n{part.last_lines()}")

    def check(self) -> None:
        """Print the errors logged since the last check. Raises Ended when a lasting part has died."""
        for part in self.running.copy():
            for line in part.loud_lines():
                print(line, flush=True)
            code = part.process.poll()
            if code is None:
                continue
            report = f"{part.name} ended by itself ({code}):\n{part.last_lines()}"
            if part.lasting:
                raise Ended(report)
            if code != 0:
                print(report, flush=True)
            self.running.remove(part)
            part.reader.close()

    def is_running(self, name: str) -> bool:
        return any(part.name == name for part in self.running)


def error_in(line: str) -> str:
    """What a line of a log says went wrong; empty when it says nothing of the kind."""
    try:
        facts = json.loads(line)
        level, message = facts["level"], facts["message"]
    except (ValueError, TypeError, KeyError):
        return line if LOUD.search(line) else ""
    if level not in {"ERROR", "CRITICAL"}:
        return ""
    return " – ".join([message, *facts.get("exception", "").splitlines()[-1:]])
