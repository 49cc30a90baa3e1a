"""What deployments that were killed, or have failed, leave in `.local/`."""

import os
import re
from pathlib import Path

# Logs, and the files of a second deployment, which hold its key: named after a process.
_OF_A_PROCESS = re.compile(r"\.?[a-z]+-(\d+)(\.log|\.json)?")


def remove_leftovers(directory: Path) -> None:
    """Remove the files that are named after processes that are gone."""
    for file in directory.glob("*-*"):
        named = _OF_A_PROCESS.fullmatch(file.name)
        if named and not _is_running(int(named[1])):
            file.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
