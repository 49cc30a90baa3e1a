"""What infra/ may import, read from its syntax."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

INFRA = Path(__file__).resolve().parents[2] / "infra"
RULES = INFRA.parent / "policy" / "guardrails"
FILES = sorted(INFRA.rglob("*.py"))
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


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_infra_never_imports_the_runtime_nor_the_local_deployment(path: Path) -> None:
    assert not {"runtime", "local", "infra", "fallback_messaging"} & set(imports(parsed(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_the_dynamic_provider_imports_boto3(path: Path) -> None:
    found = {"boto3", "botocore"} & set(imports(parsed(path)))

    assert found == ({"boto3"} if path.name == DYNAMIC_PROVIDER else set())


def test_the_dynamic_provider_imports_boto3_inside_its_methods() -> None:
    tree = parsed(INFRA / DYNAMIC_PROVIDER)
    inside = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for name in imports(node)
    }
    outside = {
        name for node in tree.body if not isinstance(node, ast.ClassDef) for name in imports(node)
    }

    assert "boto3" in inside
    assert "boto3" not in outside


@pytest.mark.parametrize("name", sorted(WITHOUT_PULUMI))
def test_pure_files_do_not_import_pulumi(name: str) -> None:
    assert not {"pulumi", "pulumi_aws"} & set(imports(parsed(INFRA / name)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_annotations_are_objects_that_other_languages_can_be_described_from(path: Path) -> None:
    futures = [
        alias.name
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]

    assert futures == []


@pytest.mark.parametrize("path", sorted(RULES.glob("*.py")), ids=lambda path: path.name)
def test_the_rules_of_the_policy_pack_need_no_engine(path: Path) -> None:
    found = set(imports(parsed(path)))

    assert not found & {"pulumi", "pulumi_aws", "pulumi_policy", "infra", "runtime", "local"}
