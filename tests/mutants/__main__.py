"""Breaks one rule of delivery at a time and shows which test catches it: `make mutants`.

Each `*.patch` here starts with lines `Rule: …` and `Caught-by: <test id>`, then a diff. The patch is
applied to a copy of the checkout; the named test must pass before and fail after.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 240
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "run", "__pycache__", ".*_cache", ".hypothesis"
)


@dataclass(frozen=True)
class Mutant:
    """A rule, the patch that breaks it, and the test that must notice."""

    patch: Path
    rule: str
    test: str


def mutants() -> list[Mutant]:
    """Return every mutant, in order of file name."""
    found = []
    for patch in sorted(Path(__file__).parent.glob("*.patch")):
        head = dict(
            line.split(": ", 1)
            for line in patch.read_text(encoding="utf-8").splitlines()[:4]
            if ": " in line
        )
        found.append(Mutant(patch, head["Rule"], head["Caught-by"]))
    return found


def passes(folder: Path, test: str) -> bool:
    """Run *test* in *folder* with this interpreter; a test that hangs has failed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
            cwd=folder, capture_output=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):
        raise SystemExit(
            f"{test}: pytest ended with {done.returncode}\n{done.stdout.decode()[-2000:]}"
        )
    return done.returncode == 0


def verdict(mutant: Mutant) -> str:
    """Return `caught`, or what is wrong with the mutant or its test."""
    with tempfile.TemporaryDirectory(prefix="liandong-mutant-") as name:
        folder = Path(name) / "checkout"
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        if not passes(folder, mutant.test):
            return "TEST FAILS WITHOUT THE MUTANT"
        applied = subprocess.run(
            ["git", "apply", "--unsafe-paths", f"--directory={folder}", str(mutant.patch)],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        if applied.returncode:
            return f"PATCH DOES NOT APPLY: {applied.stderr.decode().strip()}"
        return "SURVIVED" if passes(folder, mutant.test) else "caught"


def main() -> int:
    """Try every mutant named on the command line, or all; exit 1 unless each was caught."""
    wanted = set(sys.argv[1:])
    chosen = [m for m in mutants() if not wanted or m.patch.stem in wanted]
    missed = 0
    for number, mutant in enumerate(chosen, 1):
        began = time.monotonic()
        said = verdict(mutant)
        missed += said != "caught"
        print(
            f"{number}/{len(chosen)}  {said:8}  {mutant.patch.stem:32}  {mutant.rule}\n"
            f"      by {mutant.test} ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    print(f"{len(chosen) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
