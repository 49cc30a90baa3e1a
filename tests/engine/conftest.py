"""The real engine over made-up providers; nothing leaves the machine."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.engine import provider, whatsapp_api
from tests.engine.account import Account
from tests.engine.project import ROOT, Project, copied
from tests.engine.pulumi_cli import NoPulumiError, pulumi_folder


@dataclass(frozen=True)
class Engine:
    """The CLI and its environment, over one account."""

    environment: dict[str, str]
    account: Account
    whatsapp: whatsapp_api.WhatsAppApi

    def project(self, folder: Path, **environment: str) -> Project:
        return Project(folder, {**self.environment, **environment})


@pytest.fixture(scope="session")
def cli_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PATH with the CLI and its language hosts."""
    try:
        folder = pulumi_folder()
    except NoPulumiError as error:
        pytest.exit(str(error), returncode=2)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("pulumi-language-python", path=path):
        return path
    hosts = tmp_path_factory.mktemp("hosts")
    host = hosts / "pulumi-language-python"
    language_host = ROOT / "tests" / "engine" / "language_host.py"
    host.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{language_host}" "$@"\n')
    host.chmod(0o755)
    return f"{hosts}{os.pathsep}{path}"


@pytest.fixture(scope="module")
def engine(cli_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A backend and an account of the module's own."""
    backend = tmp_path_factory.mktemp("backend")
    account = Account()
    program = yaml.safe_load((ROOT / "examples" / "yaml" / "Pulumi.yaml").read_text())
    types = [resource["type"] for resource in program["resources"].values()]
    in_yaml = [_token(each) for each in types if each.startswith("aws:")]
    with ExitStack() as stack:
        ports = {
            "aws": stack.enter_context(provider.served("aws", account, in_yaml)),
            "random": stack.enter_context(provider.served("random", account)),
        }
        whatsapp = stack.enter_context(whatsapp_api.served())
        environment = {
            "PATH": cli_path,
            "PULUMI_HOME": str(tmp_path_factory.mktemp("home")),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in ports.items()),
            "NO_COLOR": "1",
            # For the dynamic provider, which takes boto3's own way to credentials.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": whatsapp.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        yield Engine(environment, account, whatsapp)


def _token(short: str) -> str:
    """Return the full form of a type like aws:iam:Role."""
    package, module, name = short.split(":")
    return f"{package}:{module}/{name[0].lower()}{name[1:]}:{name}"


@pytest.fixture
def new_copy(tmp_path: Path) -> Path:
    """A copy of the project."""
    return copied(tmp_path / "project")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that the tests of a module share."""
    return copied(tmp_path_factory.mktemp("copy") / "project")


@pytest.fixture(scope="session")
def package_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, as the examples and the plugin have it."""
    folder = tmp_path_factory.mktemp("package")
    environment = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True)
    site_packages = Path(found.stdout.strip())
    # The dependencies are those of the tests' own environment; a download would prove no more.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder, copied(folder / "source")]
    subprocess.run([*pip, "wheel", "--quiet", *wheel], check=True)
    (built,) = folder.glob("*.whl")
    install = ["--no-deps", "--no-index", "--target", site_packages, built]
    subprocess.run([*pip, "install", "--quiet", *install], check=True)
    return environment


@pytest.fixture(scope="module")
def example(copy: Path, package_environment: Path) -> Callable[[str], Path]:
    """Return the folder of an example, with the environments that it needs."""

    def prepared(name: str) -> Path:
        for folder in (copy / "examples" / "python", copy / "plugin"):
            if not (folder / ".venv").exists():
                (folder / ".venv").symlink_to(package_environment)
        return copy / "examples" / name

    return prepared
