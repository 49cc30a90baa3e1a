"""What is mutated, which tests have to notice, and how many of the mutants they have to kill."""

from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Group:
    """Files that one set of tests has to hold.

    The sets are chosen so that a mutant takes less than a second: tests in memory. What needs
    moto or the emulator, or sweeps through all crash points, is not among them, though it may
    notice more; `make mutants` runs some of it against known defects.
    """

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    goal_percent: int

    @classmethod
    def of(cls, file: str) -> "Group":
        """Return the group of one file alone."""
        for group in GROUPS:
            if file in group.files:
                return replace(group, name=f"{group.name}-{file.replace('/', '.')}", files=(file,))
        files = "\n  ".join(file for group in GROUPS for file in group.files)
        raise SystemExit(f"{file} is none of the files that are mutated:\n  {files}")


def _package(folder: str) -> tuple[str, ...]:
    return tuple(sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.py")))


GROUPS = (
    Group("domain", _package("runtime/domain"), ("tests/domain", "tests/faults/test_order.py"), 95),
    Group("channels", _package("runtime/channels"), ("tests/channels",), 90),
    Group(
        "stored",
        ("runtime/rows.py", "runtime/store.py", "runtime/timers.py"),
        (
            "tests/runtime/test_recipient_counters.py",
            "tests/runtime/test_rows.py",
            "tests/runtime/test_stored_form.py",
            "tests/runtime/test_earlier_rows.py",
            "tests/runtime/test_store.py",
            "tests/runtime/test_store_calls.py",
            "tests/runtime/test_timers.py",
            "tests/faults/test_stand_in.py",
        ),
        90,
    ),
    Group(
        "handled",
        (
            "runtime/accepting.py",
            "runtime/guards.py",
            "runtime/normalizing.py",
            "runtime/sending.py",
        ),
        (
            "tests/runtime/test_accepting.py",
            "tests/runtime/test_normalizer.py",
            "tests/runtime/test_problem_documents.py",
            "tests/runtime/test_recipient_counters.py",
            "tests/runtime/test_sender.py",
            "tests/faults/test_crash_points.py::test_without_faults_each_scenario_goes_as_it_should",
            "tests/faults/test_regressions.py",
        ),
        90,
    ),
)
