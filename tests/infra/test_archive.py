"""The archive of the functions' code."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import archive

ROOT = Path(__file__).resolve().parents[2]


def digest(built: pulumi.AssetArchive) -> str:
    content = hashlib.sha256()
    for name, asset in built.assets.items():
        content.update(name.encode() + b"\0" + Path(asset.path).read_bytes() + b"\0")
    return content.hexdigest()


def test_two_builds_have_the_same_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = digest(archive.runtime_archive())
    monkeypatch.chdir(tmp_path)

    assert digest(archive.runtime_archive()) == first


def test_entries_are_sources_models_and_licences_in_order_and_no_bytecode() -> None:
    names = list(archive.runtime_files())

    assert names == sorted(names)
    for name in names:
        kinds = {"aws_models": {".gz"}, "licences": {"", ".txt"}}
        assert Path(name).suffix in kinds.get(name.split("/")[0], {".py", ".json"}), name
    assert not [name for name in names if "__pycache__" in name]


def test_the_functions_and_their_validator_are_in_it() -> None:
    names = set(archive.runtime_files())

    assert {
        f"runtime/handlers/{handler}.py"
        for handler in (
            *("message_api", "send_primary", "send_fallback"),
            *("relay_events", "normalize_events"),
        )
    } <= names
    assert "runtime/__init__.py" in names
    assert "fastjsonschema/__init__.py" in names
    tops = {"runtime", "fastjsonschema", "aws_models", "licences"}
    assert {name.split("/")[0] for name in names} == tops


def test_what_is_copied_travels_with_its_licence() -> None:
    files = archive.runtime_files()

    for package in ("botocore", "fastjsonschema"):
        texts = [
            path.read_text(encoding="utf-8")
            for name, path in files.items()
            if name.startswith(f"licences/{package}/")
        ]
        assert any("Licen" in text or "Redistribution" in text for text in texts), package
    assert "licences/botocore/NOTICE" in files


def test_the_models_are_those_of_the_installed_botocore() -> None:
    names = {name for name in archive.runtime_files() if name.startswith("aws_models/")}

    assert names == {
        f"aws_models/{service}/{file}"
        for service in (
            *("pinpoint-sms-voice-v2/2022-03-31", "sesv2/2019-09-27"),
            "socialmessaging/2024-01-01",
        )
        for file in ("endpoint-rule-set-1.json.gz", "service-2.json.gz")
    }


def test_the_whole_runtime_is_in_it() -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "runtime").rglob("*")
        if path.suffix in (".py", ".json")
    }

    assert {name for name in archive.runtime_files() if name.startswith("runtime/")} == sources


def test_no_path_of_this_machine_is_in_it() -> None:
    built = archive.runtime_archive()

    assert not [asset.path for asset in built.assets.values() if Path(asset.path).is_absolute()]


def test_a_file_on_another_drive_is_named_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way(path: Path) -> str:
        raise ValueError(f"path is on mount 'C:', start on mount 'D:': {path}")

    monkeypatch.setattr(archive.os.path, "relpath", no_way)
    built = archive.runtime_archive()

    assert built.assets["runtime/rows.py"].path == str(ROOT / "runtime" / "rows.py")


def test_the_functions_can_be_imported_from_it(tmp_path: Path) -> None:
    for name, path in archive.runtime_files().items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    program = (
        "import fastjsonschema, importlib, runtime;"
        "[importlib.import_module(f'runtime.handlers.{name}') for name in %r];"
        "print(fastjsonschema.__file__, runtime.__file__)"
    )
    handlers = sorted(path.stem for path in (tmp_path / "runtime" / "handlers").glob("[a-z]*.py"))

    done = subprocess.run(
        [sys.executable, "-c", program % (handlers,)],
        cwd=tmp_path,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [
        str(tmp_path / "fastjsonschema" / "__init__.py"),
        str(tmp_path / "runtime" / "__init__.py"),
    ]


def test_every_function_runs_the_same_archive(dev: Any) -> None:
    codes = [function.inputs["code"] for function in dev.all("Function")]

    assert all(code.assets.keys() == codes[0].assets.keys() for code in codes)


def test_the_runtime_is_found_inside_an_installed_distribution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "fallback_messaging"
    (package / "runtime" / "handlers").mkdir(parents=True)
    (package / "runtime" / "handlers" / "message_api.py").write_text("")
    (package / "runtime" / "request.schema.json").write_text("{}")
    # What Python, editors and operating systems leave behind stays behind.
    (package / "runtime" / "__pycache__").mkdir()
    (package / "runtime" / "__pycache__" / "rows.cpython-311.pyc").write_bytes(b"\0")
    (package / "runtime" / ".DS_Store").write_bytes(b"\0")
    monkeypatch.setattr(archive, "__file__", str(package / "archive.py"))

    assert [name for name in archive.runtime_files() if name.startswith("runtime/")] == [
        "runtime/handlers/message_api.py",
        "runtime/request.schema.json",
    ]


def test_a_distribution_without_the_runtime_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "__file__", str(tmp_path / "infra" / "archive.py"))

    with pytest.raises(FileNotFoundError, match="runtime folder"):
        archive.runtime_files()
