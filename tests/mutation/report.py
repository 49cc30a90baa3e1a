"""Reads what mutmut has found out: the score of each file, and what survived."""

import json
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.equivalent import Change
from tests.mutation.groups import Group
from tests.mutation.runner import directory


@dataclass(frozen=True)
class Mutant:
    """A mutant that no test has killed: mutmut's name, how it fared, and what it changes."""

    name: str
    status: str
    diff: str
    change: Change


@dataclass(frozen=True)
class Score:
    """How many of a file's mutants were killed; those that change nothing do not count."""

    file: str
    killed: int
    survived: int
    equivalent: int

    @property
    def percent(self) -> float:
        counted = self.killed + self.survived
        return 100 * self.killed / counted if counted else 100.0


@dataclass(frozen=True)
class Report:
    """What the run of one group has found, and which entries of equivalent.toml fit."""

    scores: tuple[Score, ...]
    survivors: tuple[Mutant, ...]
    used: frozenset[Change]


def read_report(group: Group, equivalents: Mapping[Change, str]) -> Report:
    """Read the verdicts on a group's mutants."""
    scores: list[Score] = []
    survivors: list[Mutant] = []
    used: set[Change] = set()
    # mutmut looks for its settings and for mutants where it is run.
    with chdir(directory(group)):
        from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415
        from mutmut.stats import status_by_exit_code  # noqa: PLC0415

        for file in group.files:
            found = Path("mutants", f"{file}.meta").read_text(encoding="utf-8")
            verdicts = json.loads(found)["exit_code_by_key"]
            killed = equivalent = 0
            left: list[Mutant] = []
            for name, code in verdicts.items():
                status = status_by_exit_code[code]
                # One that loops for ever is noticed by its time.
                if status in ("killed", "timeout", "segfault"):
                    killed += 1
                    continue
                diff = get_diff_for_mutant(name, path=file)
                change = read_change(file, name, diff)
                if change in equivalents:
                    equivalent += 1
                    used.add(change)
                else:
                    left.append(Mutant(name, status, diff, change))
            scores.append(Score(file, killed, len(left), equivalent))
            survivors += left
    return Report(tuple(scores), tuple(survivors), frozenset(used))


def read_change(file: str, name: str, diff: str) -> Change:
    """Return what a diff takes away and puts in, without indentation and context."""
    function = name.rpartition(".")[2].partition("__mutmut_")[0]
    parts = function.split("ǁ")
    function = ".".join(parts[1:]) if len(parts) > 1 else function.removeprefix("x_")
    lines = diff.splitlines()[2:]

    def text(sign: str) -> str:
        return "\n".join(line[1:].strip() for line in lines if line.startswith(sign))

    return Change(file, function, text("-"), text("+"))
