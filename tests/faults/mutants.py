"""Known defects, put in one at a time: python -m tests.faults.mutants.

Each `mutants/*.patch` is one: its first lines say what is wrong and which tests have to notice.
A mutant is killed when they fail. Ends with `mutants: K of K killed`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
PATCHES = Path(__file__).with_name("mutants")
_COPIES = 2
_TIMEOUT_SECONDS = 300
_TESTS = "Tests: "


@dataclass(frozen=True)
class Mutant:
    """A defect: the patch that puts it in, and the tests that have to notice it."""

    path: Path
    what: str
    tests: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        head = path.read_text(encoding="utf-8").split("\n---", 1)[0].splitlines()
        tests = next(line for line in head if line.startswith(_TESTS))
        return cls(path, head[0], tuple(tests.removeprefix(_TESTS).split()))


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


def git_apply(patch: Path, copy: Path, *options: str) -> None:
    """Apply a patch in a copy, which is no repository."""
    subprocess.run(
        ["git", "apply", *options, str(patch)],
        cwd=copy,
        check=True,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(copy.parent)},
    )


def fails(copy: Path, tests: tuple[str, ...]) -> bool:
    """Run tests in a copy; whether they fail. One that hangs has failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        answer = subprocess.run(
            command, cwd=copy, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    # 1 is failed tests; anything else (2, 4, 5) says that the tests could not be run at all.
    if answer.returncode not in (0, 1):
        raise RuntimeError(answer.stdout.decode() + answer.stderr.decode())
    return answer.returncode == 1


def main() -> int:
    """Play all mutants, or those whose names contain a word, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("word", nargs="?", default="")
    word = parser.parse_args().word
    mutants = [Mutant.read(path) for path in sorted(PATCHES.glob("*.patch")) if word in path.name]
    began = time.monotonic()
    killed = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(_COPIES):
            copies.put(copy_project(Path(directory) / str(number)))
        copy = copies.get()
        every = sorted({test for mutant in mutants for test in mutant.tests})
        if fails(copy, tuple(every)):
            print("the tests fail without any mutant")
            return 1
        copies.put(copy)

        def is_killed(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                git_apply(mutant.path, copy)
                return fails(copy, mutant.tests)
            finally:
                git_apply(mutant.path, copy, "--reverse")
                copies.put(copy)

        with ThreadPoolExecutor(_COPIES) as threads:
            for mutant, dead in zip(mutants, threads.map(is_killed, mutants), strict=True):
                killed += dead
                verdict = "killed" if dead else "SURVIVED"
                print(f"{verdict:8} {mutant.path.stem}: {mutant.what}", flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    print(f"mutants: {killed} of {len(mutants)} killed")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
