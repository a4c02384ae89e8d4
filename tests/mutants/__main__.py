"""`make mutants`: lays the last commit out beside, and tries its mutants there (the arguments: trial.py)."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local" / "mutants"


def main() -> int:
    tree = _tree()
    command = [sys.executable, "-m", "tests.mutants.trial", "--results", str(LOCAL / "results.jsonl"), *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=tree, check=False).returncode
    except KeyboardInterrupt:  # the trial heard it too, and ends by itself
        return 130


def _tree() -> Path:
    """The last commit's files; of another commit nothing is left."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    tree = LOCAL / "tree"
    if not (tree / commit).exists():
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x"], cwd=tree, input=archive, check=True)
        (tree / commit).touch()
    return tree


if __name__ == "__main__":
    sys.exit(main())
