"""`manage.py audit_bank_data [--file PATH…]`: prove that no bank data rests in this installation."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.audit import Audit, Find, caches_elsewhere


class Command(BaseCommand):
    help = (
        "Search every row of the database, the storage and the given logs for card numbers, IBANs, fields of the PSPs' "
        "answers, keys, tokens and papers (PDF); the exit code is 1 when something is found. It changes nothing and "
        "never prints what it found."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--file", type=Path, action="extend", nargs="+", default=[], help="logs, or folders of logs"
        )

    def handle(self, *args: Any, file: list[Path], **options: Any) -> None:
        for path in file:
            if not path.exists():
                raise CommandError(f"{path} is not there.")
        audit = Audit(self.stderr.write)
        found = 0
        for find in _all(audit, file):
            found += 1
            self.stdout.write(f"{find.place}: {find.kind}")
        for name in caches_elsewhere():
            self.stderr.write(f"The cache {name!r} is not in the database and was not searched.")
        self.stdout.write(
            f"{audit.rows} rows of {audit.tables} tables and {audit.files} files searched: {found or 'nothing'} found"
        )
        if found:
            sys.exit(1)


def _all(audit: Audit, files: list[Path]) -> Iterator[Find]:
    yield from audit.database()
    yield from audit.storage()
    for file in files:
        yield from audit.logs(file)
