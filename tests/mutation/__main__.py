"""The score of the tests against mutants that mutmut makes: python -m tests.mutation [FILE].

mutmut changes one thing of a function at a time and runs the tests that reach it. Printed are the
score of each file and the mutants that no test notices. What was found out is kept in
`build/mutation`: the next run tries only what has changed since, and what survived.
Ends with a status that is not 0 where a file misses its goal.
"""

import argparse
import sys
import time

from tests.mutation.equivalent import read_equivalents
from tests.mutation.groups import GROUPS, Group
from tests.mutation.report import Report, read_report
from tests.mutation.runner import run


def tell(group: Group, report: Report) -> bool:
    """Print what one group's run found; whether every file has reached its goal."""
    for mutant in report.survivors:
        print(f"\n{mutant.status.upper()} {mutant.name}\n{mutant.diff}")
    reached = True
    for score in report.scores:
        good = score.percent >= group.goal_percent
        reached = reached and good
        print(
            f"{score.file:32} {score.percent:5.1f} %  {score.killed:4} killed, "
            f"{score.survived:3} survived, {score.equivalent:3} equivalent"
            f"{'' if good else f'   below {group.goal_percent} %'}",
            flush=True,
        )
    return reached


def main() -> int:
    """Run all groups, or one file, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("file", nargs="?", help="one file, such as runtime/domain/decision.py")
    parser.add_argument("--report", action="store_true", help="print what the last run found")
    arguments = parser.parse_args()
    groups = GROUPS if arguments.file is None else [Group.of(arguments.file)]
    began = time.monotonic()
    equivalents = read_equivalents()
    unused = set(equivalents)
    reached = True
    for group in groups:
        if not arguments.report:
            run(group)
        report = read_report(group, equivalents)
        unused -= report.used
        reached = tell(group, report) and reached
    for entry in sorted(unused) if arguments.file is None else ():
        print(f"equivalent.toml names a mutant that there is not: {entry}")
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if reached and (arguments.file is not None or not unused) else 1


if __name__ == "__main__":
    sys.exit(main())
