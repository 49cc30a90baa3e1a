"""Reads equivalent.toml: mutants that change nothing that can be seen, each with its reason."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True, order=True)
class Change:
    """What a mutant changes, in terms that survive other changes of its file."""

    file: str
    function: str
    old: str
    new: str


def read_equivalents() -> dict[Change, str]:
    """Return the reason of each mutant that is listed."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8")).get("mutant", [])
    return {
        Change(entry["file"], entry["function"], entry["old"], entry["new"]): entry["reason"]
        for entry in entries
    }
