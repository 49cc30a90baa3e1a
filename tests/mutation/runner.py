"""Runs mutmut on a copy of the project in which it can reach all functions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import libcst as cst

from tests.mutation.groups import ROOT, Group

WORK = ROOT / "build" / "mutation"
_WORKERS = os.cpu_count() or 2
# A mutant that loops for ever is stopped after this many times what its tests take, and a bit.
_TIMEOUT_MULTIPLIER = 4.0
_TIMEOUT_SECONDS = 4.0
_KILLED = 1
# What is beside the copy.
_MUTMUTS = ("mutants", "mutmut.log")


class Undecorate(cst.CSTTransformer):
    """Write `@property` as what it stands for: mutmut leaves decorated functions alone.

    `@property def f(self)` becomes `def f(self)` and `f = property(f)`.
    """

    def leave_FunctionDef(  # noqa: N802  libcst's name
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        decorators = [decorator.decorator for decorator in original_node.decorators]
        if len(decorators) != 1 or not decorators[0].deep_equals(cst.Name("property")):
            return updated_node
        name = original_node.name.value
        made = cst.parse_statement(f"{name} = property({name})")
        return cst.FlattenSentinel([updated_node.with_changes(decorators=[]), made])


def undecorate(source: str) -> str:
    """Return the source without `@property`, and the same in meaning."""
    return cst.parse_module(source).visit(Undecorate()).code


def directory(group: Group) -> Path:
    """Return where a group is mutated, and where its results are kept."""
    return WORK / group.name


def run(group: Group) -> None:
    """Mutate the files of a group, and try each mutant that has no verdict yet."""
    work = directory(group)
    if copy_project(group, work):
        # The tests may reach other functions now; and what survived may be noticed.
        (work / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    forget_survivors(group, work)
    log = work / "mutmut.log"
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", str(_WORKERS)],
            cwd=work,
            # The profile of Hypothesis for machines: the same examples each time, no deadline.
            env=os.environ | {"CI": "true", "PYTHONPATH": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(
            f"{log.read_text('utf-8')[-3000:]}\nmutmut ended with {done.returncode}: {log}"
        )


def copy_project(group: Group, work: Path) -> bool:
    """Copy what git knows and what is new, where it has changed; whether tests may have."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    names = [name for name in listed if name and (ROOT / name).is_file()]
    forget_other_files(work, set(names))
    changed = False
    for name in names:
        content = (ROOT / name).read_bytes()
        if name in group.files:
            content = undecorate(content.decode()).encode()
        if name == "pyproject.toml":
            content += configuration(group, names).encode()
        target = work / name
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            changed = changed or name not in group.files
    return changed


def forget_other_files(work: Path, names: set[str]) -> None:
    """Start anew where a file of the copy is gone from the project: mutmut would keep it."""
    copied = (path.relative_to(work) for path in work.rglob("*") if path.is_file())
    ours = {path.as_posix() for path in copied if path.parts[0] not in _MUTMUTS}
    if ours - names:
        shutil.rmtree(work)


def configuration(group: Group, names: list[str]) -> str:
    """Return mutmut's part of pyproject.toml."""
    settings = {
        "source_paths": ["runtime"],
        "only_mutate": list(group.files),
        "also_copy": sorted({name.split("/")[0] for name in names} - {"runtime"}),
        "pytest_add_cli_args": [
            *("-p", "no:cacheprovider"),
            *("-p", "tests.mutation.fastest_first"),
            *("-k", "not moto"),
        ],
        "pytest_add_cli_args_test_selection": list(group.tests),
        # Each mutant is forked from a process that has run no test: threads do not live on in a
        # fork, and a pool of them that a test has left would wait for ever.
        "process_isolation": "forkserver",
        "timeout_multiplier": _TIMEOUT_MULTIPLIER,
        "timeout_constant": _TIMEOUT_SECONDS,
        "on_dependency_change": "ignore",
    }
    # JSON's strings, numbers and arrays are TOML's as well.
    return "\n[tool.mutmut]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in settings.items()
    )


def forget_survivors(group: Group, work: Path) -> None:
    """Have everything tried again that was not killed."""
    for file in group.files:
        path = work / "mutants" / f"{file}.meta"
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            verdicts = kept["exit_code_by_key"]
            kept["exit_code_by_key"] = {
                name: code if code == _KILLED else None for name, code in verdicts.items()
            }
            path.write_text(json.dumps(kept), encoding="utf-8")
