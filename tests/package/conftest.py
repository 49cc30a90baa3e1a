"""The wheel, installed into an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installation:
    """An environment in which the wheel is installed, and nothing of the repository is."""

    wheel: Path
    source: Path
    python: Path
    site_packages: Path

    def run(self, *command: str | Path, cwd: Path, path: Path | None = None) -> str:
        """Run Python there; `path` is where it may import from besides."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
        }
        if path:
            environment["PYTHONPATH"] = str(path)
        done = subprocess.run(
            [self.python, "-W", "ignore", *command],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    directory = tmp_path_factory.mktemp("package")
    wheel = _wheel(directory)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / "venv"], check=True)
    python = directory / "venv" / "bin" / "python"
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    site_packages = Path(found.stdout.strip())
    # The dependencies are those of the tests' own environment; a download would prove no more.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
            *("--no-deps", "--no-index", "--target", site_packages, wheel),
        ],
        check=True,
    )
    return Installation(wheel, directory / "source", python, site_packages)


@pytest.fixture(scope="session")
def recorded_example(installation: Installation) -> Callable[[str], dict[str, Any]]:
    """Run an example under recording mocks, with the wheel, and return what it registers."""

    def recording(stack: str) -> dict[str, Any]:
        # From another directory: nothing is imported from the repository but the recorder.
        command = ("-m", "local", "preview", "--json", "--stack", stack)
        project = ROOT / "examples" / "python"
        output = installation.run(
            *command, "--project", project, cwd=installation.site_packages, path=ROOT
        )
        return json.loads(output)

    return recording


def _wheel(directory: Path) -> Path:
    # From a copy: building leaves folders behind.
    source = directory / "source"
    source.mkdir()
    for folder in ("infra", "operations", "runtime"):
        shutil.copytree(ROOT / folder, source / folder)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--wheel-dir", directory, source),
        ],
        check=True,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel
