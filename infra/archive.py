"""The code that Lambda runs, as one archive for all functions.

The archive has the folder `runtime/` and the pure-Python package `fastjsonschema/`; boto3 comes
with Lambda, Powertools with its layer. Entries are named one by one and in order, so that the same
sources give the same hash on every machine, and no bytecode travels.
"""

import importlib.util
import os
from pathlib import Path

import pulumi

__all__ = ["runtime_archive", "runtime_files"]


def runtime_archive() -> pulumi.AssetArchive:
    """Return the archive of the functions; raises FileNotFoundError without the runtime's code."""
    return pulumi.AssetArchive(
        # Relative to the program, where Pulumi resolves them: the state of a stack should not
        # change with the folder that a colleague cloned into.
        {name: pulumi.FileAsset(os.path.relpath(path)) for name, path in runtime_files().items()}
    )


def runtime_files() -> dict[str, Path]:
    """Return the files of the archive by their name in it, sorted by that name."""
    runtime = _runtime_folder()
    sources = [*runtime.rglob("*.py"), *runtime.glob("*.json")]
    files = {f"runtime/{path.relative_to(runtime).as_posix()}": path for path in sources}
    validator = _package_folder("fastjsonschema")
    files |= {
        f"fastjsonschema/{path.relative_to(validator).as_posix()}": path
        for path in validator.rglob("*.py")
    }
    return dict(sorted(files.items()))


def _runtime_folder() -> Path:
    # Beside this package in the repository; inside it in the installed distribution.
    here = Path(__file__).resolve().parent
    for folder in (here / "runtime", here.parent / "runtime"):
        if (folder / "handlers").is_dir():
            return folder
    raise FileNotFoundError("the runtime folder with the functions' code was not found")


def _package_folder(name: str) -> Path:
    # Found without importing it: this package never runs the runtime's dependencies.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {name} is not installed, and the functions need it")
    return Path(spec.origin).resolve().parent
