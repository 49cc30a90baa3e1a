"""What each folder may import, read from the code itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imports(path: Path, package: str) -> Iterator[str]:
    """Yield the full names of the modules that a file imports anywhere, relative ones resolved."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            yield ".".join([*base, node.module or ""]).rstrip(".")


def modules(folder: str) -> list[tuple[Path, str]]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths, folder
    return [(path, ".".join(path.parent.relative_to(ROOT).parts)) for path in paths]


def imported_tops(folder: str) -> dict[str, set[str]]:
    return {
        str(path.relative_to(ROOT)): {name.split(".")[0] for name in imports(path, package)}
        for path, package in modules(folder)
    }


def test_the_domain_imports_the_standard_library_and_itself() -> None:
    for path, package in modules("runtime/domain"):
        for name in imports(path, package):
            allowed = name.split(".")[0] in sys.stdlib_module_names
            assert allowed or name.startswith("runtime.domain"), (path, name)


@pytest.mark.parametrize("folder", ["runtime", "runtime/domain"])
def test_the_runtime_never_imports_pulumi_infra_or_local(folder) -> None:
    for path, tops in imported_tops(folder).items():
        assert not tops & {"pulumi", "pulumi_aws", "infra", "local"}, path


def test_the_runtime_imports_only_what_lambda_has_or_the_archive_carries() -> None:
    there = {"runtime", "boto3", "botocore", "aws_lambda_powertools", "fastjsonschema"}
    for path, tops in imported_tops("runtime").items():
        assert tops <= there | sys.stdlib_module_names, path


def test_infra_never_imports_the_runtime_or_the_local_deployment() -> None:
    for path, tops in imported_tops("infra").items():
        assert not tops & {"runtime", "local"}, path


def test_only_dynamic_providers_import_boto3_in_infra() -> None:
    using = {path for path, tops in imported_tops("infra").items() if tops & {"boto3", "botocore"}}
    assert using == {"infra/whatsapp_event_destination.py"}


def test_handlers_do_not_import_each_other() -> None:
    names = {path.stem for path, _ in modules("runtime/handlers") if path.stem[0] != "_"}
    for path, package in modules("runtime/handlers"):
        others = {name.rsplit(".", 1)[-1] for name in imports(path, package)} & names
        assert not others, (path, others)


def test_channels_do_not_import_the_edges() -> None:
    for path, package in modules("runtime/channels"):
        for name in imports(path, package):
            if name.startswith("runtime"):
                assert name.startswith(("runtime.domain", "runtime.channels")), (path, name)
