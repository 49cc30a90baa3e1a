"""The code that Lambda runs, as one archive for all functions.

The archive has the folder `runtime/`, the pure-Python package `fastjsonschema/` and botocore's
models of the providers' services; boto3 comes with Lambda, Powertools with its layer. Entries are
named one by one and in order, so that the same sources give the same hash on every machine, and no
bytecode travels.
"""

import importlib.metadata
import importlib.util
import os
from pathlib import Path

import pulumi

__all__ = ["AWS_DATA_PATH", "runtime_archive", "runtime_files"]

_MODELS = "aws_models"
# Where Lambda unpacks the models. botocore looks here before it takes its own, and passes over a
# folder that does not exist.
AWS_DATA_PATH = f"/var/task/{_MODELS}"
# Lambda's botocore is months old in some Regions, and without the operations and members that are
# newer than it: SendRcsMessage, SES tenants. The models say which there are.
_MODELLED_SERVICES = ("pinpoint-sms-voice-v2", "sesv2", "socialmessaging")
_MODEL_FILES = ("endpoint-rule-set-1.json.gz", "service-2.json.gz")
_LICENCES = ("LICENSE", "LICENSE.txt", "NOTICE")


def runtime_archive() -> pulumi.AssetArchive:
    """Return the archive of the functions; raises FileNotFoundError without the runtime's code."""
    return pulumi.AssetArchive(
        # Relative to the program, where Pulumi resolves them: the state of a stack should not
        # change with the folder that a colleague cloned into.
        {name: pulumi.FileAsset(_relative(path)) for name, path in runtime_files().items()}
    )


def _relative(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:
        # On another drive of Windows there is no way from here.
        return str(path)


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
    files |= _models()
    for package in ("botocore", "fastjsonschema"):
        files |= _licences(package)
    return dict(sorted(files.items()))


def _runtime_folder() -> Path:
    # Beside this package in the repository; inside it in the installed distribution.
    here = Path(__file__).resolve().parent
    for folder in (here / "runtime", here.parent / "runtime"):
        if (folder / "handlers").is_dir():
            return folder
    raise FileNotFoundError("the runtime folder with the functions' code was not found")


def _models() -> dict[str, Path]:
    data = _package_folder("botocore") / "data"
    # One folder per version of an API, named by its date.
    newest = {service: max((data / service).iterdir()) for service in _MODELLED_SERVICES}
    return {
        f"{_MODELS}/{service}/{folder.name}/{name}": folder / name
        for service, folder in newest.items()
        for name in _MODEL_FILES
    }


def _licences(package: str) -> dict[str, Path]:
    """Return the files that must travel with what is copied from `package`."""
    files = importlib.metadata.files(package) or []
    found = {
        f"licences/{package}/{file.name}": Path(str(file.locate()))
        for file in files
        if file.name in _LICENCES and ".dist-info" in str(file)
    }
    if not found:
        raise FileNotFoundError(f"the licence of the package {package} was not found")
    return found


def _package_folder(name: str) -> Path:
    # Found without importing it: this package never runs the runtime's dependencies.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {name} is not installed, and the functions need it")
    return Path(spec.origin).resolve().parent
