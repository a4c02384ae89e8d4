"""`make run`, as a process of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.ports import free_ports
from tests.waiting import until

SECONDS_TO_OPEN = 90.0
SECONDS_TO_CLOSE = 30.0


class Run:
    """One `python -m tests.demo` with a folder of its own."""

    def __init__(self, local: Path) -> None:
        self.shop, self.sandbox = free_ports(2)
        self.output = local / "output"
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(self.command(local), stdout=output, stderr=output, env=environment)

    def command(self, local: Path) -> list[str]:
        ports = ["--port", str(self.shop), "--sandbox-port", str(self.sandbox)]
        return [sys.executable, "-m", "tests.demo", *ports, "--local", str(local)]

    def said(self, words: str) -> bool:
        return words in self.output.read_text()

    def is_open(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return self.said("The shop is open")

    def processes(self) -> list[psutil.Process]:
        """It, and every process that it started or that those started."""
        itself = psutil.Process(self.process.pid)
        return [itself, *itself.children(recursive=True)]


@contextmanager
def opened(local: Path) -> Iterator[Run]:
    run = Run(local)
    try:
        until(run.is_open, SECONDS_TO_OPEN, "the shop")
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(SECONDS_TO_CLOSE)
        shutil.rmtree((local / "database").resolve(), ignore_errors=True)  # for root it lies elsewhere


def left_of(processes: list[psutil.Process], seconds: float = 0) -> list[psutil.Process]:
    """Those that still run after `seconds` at most."""
    return psutil.wait_procs(processes, seconds)[1]


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "db_worker" in process.cmdline()
    return False


def signed_in(run: Run, local: Path, password: str) -> str:
    """The first page of the back office, reached as a newcomer does, with what the run printed."""
    address = f"http://localhost:{run.shop}/admin/"
    with requests.Session() as browser:
        browser.headers["Accept-Language"] = "en"

        def send(**form: str) -> requests.Response:
            return browser.post(asked.url, {"csrfmiddlewaretoken": browser.cookies["csrf"], **form}, timeout=30)

        asked = browser.get(address, timeout=30)
        asked = send(username="demo", password=password)
        command = re.search(r"Its code +\S+ (-m .*)", run.output.read_text())
        assert command
        code = subprocess.run([sys.executable, *command[1].split()], capture_output=True, text=True, check=True).stdout
        return send(code=code).text


def test_it_opens_the_shop_says_where_and_leaves_no_process_on_ctrl_c(tmp_path: Path) -> None:
    with opened(tmp_path) as run:
        assert requests.get(f"http://localhost:{run.shop}/", timeout=10).ok
        assert requests.get(f"http://127.0.0.1:{run.sandbox}/", timeout=10).ok
        assert run.said(f"http://localhost:{run.shop}/admin/")
        password = (tmp_path / "staff-password").read_text()
        assert run.said(password)
        assert "Back office" in signed_in(run, tmp_path, password)
        processes = run.processes()
        assert len(processes) > 6
        by_hand = {"ENV_FILE": str(tmp_path / "env"), "PATH": os.environ["PATH"]}
        command = [sys.executable, "manage.py", "recover", "--since", "1h"]
        said = subprocess.run(command, env=by_hand, capture_output=True, text=True, check=True).stdout
        assert "PayPal: 0 events" in said

        again = subprocess.run(run.command(tmp_path), capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert "already running" in again.stderr

        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(SECONDS_TO_CLOSE) == 0
    assert left_of(processes) == []
    assert not (tmp_path / "env").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_its_parts_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    with opened(tmp_path) as run:
        processes = run.processes()
        run.process.kill()
        run.process.wait(SECONDS_TO_CLOSE)
        assert left_of(processes, SECONDS_TO_CLOSE) == []
        # What nobody was left to tidy up.
        address = re.search(r'host=([^"]*)', (tmp_path / "env").read_text())
        assert address
        shutil.rmtree(address[1])


def test_it_ends_with_a_sentence_when_a_part_dies(tmp_path: Path) -> None:
    with opened(tmp_path) as run:
        processes = run.processes()
        next(process for process in processes if is_worker(process)).kill()
        assert run.process.wait(SECONDS_TO_CLOSE) == 1
    assert run.said("worker ended by itself")
    assert left_of(processes) == []
