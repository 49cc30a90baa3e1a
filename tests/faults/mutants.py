"""Known defects, put in one at a time: python -m tests.faults.mutants.

Each `mutants/*.toml` is one: what is wrong, which tests have to notice, and the lines of the code
that it exchanges for others. A mutant is killed when one of its tests fails. Ends with
`mutants: K of K killed`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = Path(__file__).with_name("mutants")
_WORKERS = 2
_TIMEOUT_SECONDS = 300

T = TypeVar("T")


class MisfitError(ValueError):
    """The lines that a mutant exchanges are not in the code exactly once."""


@dataclass(frozen=True)
class Change:
    """Whole lines of a file, and what stands there instead in the mutant."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Change the file. Raises MisfitError unless the old lines are there exactly once."""
        path = root / self.file
        # With a line break in front, so that lines are found by their beginnings.
        text = "\n" + path.read_text(encoding="utf-8")
        found = text.count("\n" + self.old)
        if found != 1:
            raise MisfitError(f"{self.file} has these lines {found} times:\n{self.old}")
        changed = text.replace("\n" + self.old, "\n" + self.new).removeprefix("\n")
        path.write_text(changed, encoding="utf-8")


@dataclass(frozen=True)
class Mutant:
    """A defect: what is wrong, the tests that have to notice it, and how it is put in."""

    name: str
    what: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...]

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        """Read a mutant's file. Raises TypeError or KeyError if a member is missing or unknown."""
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        changes = tuple(Change(**change) for change in values.pop("changes"))
        return cls(path.stem, values.pop("what"), tuple(values.pop("tests")), changes, **values)

    @contextmanager
    def put_in(self, root: Path) -> Iterator[None]:
        """Change the code under `root`, and change it back at the end."""
        before = {change.file: (root / change.file).read_bytes() for change in self.changes}
        try:
            for change in self.changes:
                change.apply(root)
            yield
        finally:
            for file, content in before.items():
                (root / file).write_bytes(content)


def read_mutants(words: Sequence[str] = ()) -> list[Mutant]:
    """Return all mutants, or those whose names contain one of the words."""
    mutants = [Mutant.read(path) for path in sorted(MUTANTS.glob("*.toml"))]
    return [one for one in mutants if not words or any(word in one.name for word in words)]


def copy_project(to: Path) -> Path:
    """Copy what the tests need: what git knows, and what is new."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return to


def failure(copy: Path, test: str) -> str | None:
    """Run a file of tests in a copy; what was printed if one fails. One that hangs has failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test]
    try:
        answer = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{test} took more than {_TIMEOUT_SECONDS} s"
    # 1 is failed tests; anything else (2, 4, 5) says that the tests could not be run at all.
    if answer.returncode not in (0, 1):
        raise RuntimeError(answer.stdout + answer.stderr)
    return answer.stdout if answer.returncode else None


def main() -> int:
    """Play all mutants, or those whose names contain one of the words; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("words", nargs="*")
    mutants = read_mutants(parser.parse_args().words)
    began = time.monotonic()
    killed = 0
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as directory,
        ThreadPoolExecutor(_WORKERS) as workers,
    ):
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(_WORKERS):
            copies.put(copy_project(Path(directory) / str(number)))

        def in_copy(work: Callable[[Path], T]) -> T:
            copy = copies.get()
            try:
                return work(copy)
            finally:
                copies.put(copy)

        every = sorted({test for mutant in mutants for test in mutant.tests})
        plain = [partial(failure, test=test) for test in every]
        for failed in filter(None, workers.map(in_copy, plain)):
            print(failed)
            print("a test fails without any mutant")
            return 1

        def is_killed(mutant: Mutant) -> bool:
            def play(copy: Path) -> bool:
                with mutant.put_in(copy):
                    # One file at a time: nearly always the first one notices, and the others need
                    # not even be read.
                    return any(failure(copy, test) for test in mutant.tests)

            return in_copy(play)

        for mutant, dead in zip(mutants, workers.map(is_killed, mutants), strict=True):
            killed += dead
            print(f"{'killed' if dead else 'SURVIVED':8} {mutant.name}: {mutant.what}", flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    print(f"mutants: {killed} of {len(mutants)} killed")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
