"""Find the Pulumi CLI, or build it once: `python -m tests.engine.pulumi_cli` prints its folder.

A `pulumi` on the PATH is used as it is. Where there is none and Go is, the CLI is built from its Go
module, with the host for programs in YAML and what the Go module has of the host for Python (its
rest is `language_host.py`). They go into a folder of the user's cache that is named by version and
host, appears as a whole or not at all, and is built by one process while others wait. What an
interrupted build has compiled stays in Go's build cache.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The newest whose Go module can be had; the YAML host's release of the same time.
VERSION = "v3.274.1"
YAML_VERSION = "v1.25.0"
TOOLS = (
    "pulumi",
    "pulumi-language-yaml",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
)


class NoPulumiError(Exception):
    """There is no Pulumi CLI, and none can be built; the message says what to install."""


def pulumi_folder() -> Path:
    """Return the folder that the CLI is in. Raises NoPulumiError."""
    found = shutil.which("pulumi")
    if found:
        return Path(found).parent
    folder = cache_folder()
    if folder.is_dir():
        return folder
    if not shutil.which("go"):
        message = (
            "pulumi is not on the PATH: install the Pulumi CLI, or Go 1.25 or newer to have it "
            "built here (5 minutes, once)"
        )
        raise NoPulumiError(message)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        # Another process may have built it while this one waited.
        if not folder.is_dir():
            _build(folder)
    return folder


def cache_folder() -> Path:
    """Return the folder in the user's cache for the CLI of this version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "fallback-messaging" / f"pulumi-{VERSION}-yaml-{YAML_VERSION}"


def _build(folder: Path) -> None:
    # What builds have left that were killed; the lock is ours.
    for left in folder.parent.glob(f"{folder.name}-*"):
        shutil.rmtree(left)
    # On the same file system as the folder, so that it is moved there in one step.
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as temporary:
        tools, module = Path(temporary, "tools"), Path(temporary, "module")
        for each in (tools, module):
            each.mkdir()
        # A module of its own: the CLI's go.mod has `replace` lines, which `go install` refuses.
        _go(module, "mod", "init", "engine")
        packages = (f"github.com/pulumi/pulumi/{part}/v3@{VERSION}" for part in ("pkg", "sdk"))
        _go(module, "get", *packages)
        sdk_version = f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={VERSION}"
        _go(
            module,
            *("build", "-ldflags", f"-s -w -X {sdk_version}", "-o", str(tools / "pulumi")),
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        )
        sdk = Path(_go(module, "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"))
        for script in (
            "python/cmd/pulumi-language-python-exec",
            "python/dist/pulumi-resource-pulumi-python",
        ):
            target = tools / Path(script).name
            shutil.copyfile(sdk / script, target)
            target.chmod(0o755)
        yaml_host = f"github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml@{YAML_VERSION}"
        _go(module, "install", "-ldflags", "-s -w", yaml_host, bin_folder=tools)
        missing = [tool for tool in TOOLS if not os.access(tools / tool, os.X_OK)]
        if missing:
            raise NoPulumiError(f"the build has left no {', '.join(missing)}")
        tools.rename(folder)


def _go(module: Path, *arguments: str, bin_folder: Path | None = None) -> str:
    # `go install pkg@version` has a module of its own, and refuses this flag.
    environment = {**os.environ, "GOFLAGS": "" if bin_folder else "-mod=mod"}
    if bin_folder:
        environment["GOBIN"] = str(bin_folder)
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=module,
            env=environment,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        )
    except subprocess.CalledProcessError as error:
        raise NoPulumiError(f"go {arguments[0]} has failed: the Pulumi CLI is not built") from error
    return done.stdout.strip()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The lock goes with the process: a killed build leaves none behind.
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{pulumi_folder()}\n")
    except NoPulumiError as error:
        sys.exit(str(error))
