"""What each folder may import, read from the code itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INFRA_FILES = sorted((ROOT / "infra").rglob("*.py"))
RULES = sorted((ROOT / "policy" / "guardrails").glob("*.py"))
DYNAMIC_PROVIDER = "whatsapp_event_destination.py"
WITHOUT_PULUMI = {
    "alarms.py",
    "capacity.py",
    "contradictions.py",
    "dashboard.py",
    "grants.py",
    "log_queries.py",
    "parameter_layers.py",
    "parameters.py",
    "policies.py",
    "resource_policies.py",
    "service_regions.py",
    "settings.py",
    "sizes.py",
}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, package: str) -> Iterator[str]:
    """Yield the full names of the modules that a file imports anywhere, relative ones resolved."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            yield ".".join([*base, node.module or ""]).rstrip(".")


def absolute_tops(tree: ast.AST) -> set[str]:
    """Return the first parts of what a piece of code imports by full name."""
    tops = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            tops.add((node.module or "").split(".")[0])
    return tops


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


@pytest.mark.parametrize("path", INFRA_FILES, ids=lambda path: path.name)
def test_infra_never_imports_the_runtime_nor_the_local_deployment(path: Path) -> None:
    assert not {"runtime", "local", "infra", "fallback_messaging"} & absolute_tops(parsed(path))


@pytest.mark.parametrize("path", INFRA_FILES, ids=lambda path: path.name)
def test_only_the_dynamic_provider_imports_boto3(path: Path) -> None:
    found = {"boto3", "botocore"} & absolute_tops(parsed(path))
    assert found == ({"boto3"} if path.name == DYNAMIC_PROVIDER else set())


def test_the_dynamic_provider_imports_boto3_inside_its_methods() -> None:
    tree = parsed(ROOT / "infra" / DYNAMIC_PROVIDER)
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    outside = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    assert any("boto3" in absolute_tops(node) for node in methods)
    assert not any("boto3" in absolute_tops(node) for node in outside)


@pytest.mark.parametrize("name", sorted(WITHOUT_PULUMI))
def test_pure_files_do_not_import_pulumi(name: str) -> None:
    assert not {"pulumi", "pulumi_aws"} & absolute_tops(parsed(ROOT / "infra" / name))


@pytest.mark.parametrize("path", INFRA_FILES, ids=lambda path: path.name)
def test_annotations_are_objects_that_other_languages_can_be_described_from(path: Path) -> None:
    assert "__future__" not in absolute_tops(parsed(path))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_the_rules_of_the_policy_pack_need_no_engine(path: Path) -> None:
    forbidden = {"pulumi", "pulumi_aws", "pulumi_policy", "infra", "runtime", "local"}
    assert not forbidden & absolute_tops(parsed(path))


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
