"""The versions that the plugin is installed with: those of the lock file, which are tested."""

import re
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
# What the lock says for a Python that it does not say for another is in the line.
_PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\\]+?)\s*\\?$")


def plugin_constraints() -> str:
    """Return the pins without their hashes, as the text of a constraints file.

    With hashes pip would ask for one of the package itself, which is installed from its folder.
    """
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return "".join(f"{found[1]}\n" for line in lines if (found := _PIN.match(line)))
