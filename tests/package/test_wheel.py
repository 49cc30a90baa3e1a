"""What the distribution has in it, and what it has not."""

import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def names(installation: Any) -> set[str]:
    with zipfile.ZipFile(installation.wheel) as wheel:
        return set(wheel.namelist())


def test_building_it_leaves_nothing_behind(installation: Any) -> None:
    # What were left in build/ would be packed again, also once it is deleted here.
    assert {path.name for path in installation.source.iterdir()} == {
        *("infra", "operations", "runtime", "pyproject.toml", "setup.py", "README.md", "LICENSE"),
    }


def test_nothing_but_the_package_is_at_the_top(installation: Any) -> None:
    tops = {name.split("/")[0] for name in names(installation)}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"fallback_messaging"}


def test_all_of_the_components_and_of_the_runtime_is_in_it(installation: Any) -> None:
    sources = {
        f"fallback_messaging/{prefix}{path.relative_to(ROOT / folder).as_posix()}"
        for folder, prefix in (
            ("infra", ""),
            ("operations", "operations/"),
            ("runtime", "runtime/"),
        )
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".json", ".typed")
    }

    assert sources == {name for name in names(installation) if ".dist-info/" not in name}
    assert "fallback_messaging/py.typed" in sources
    assert "fallback_messaging/runtime/request.schema.json" in sources


def test_it_offers_the_component_with_typed_arguments(installation: Any) -> None:
    program = (
        "import fallback_messaging as package, typing;"
        "arguments = package.FallbackMessagingArgs;"
        "print(package.__file__, typing.is_typeddict(arguments), len(arguments.__annotations__))"
    )

    file, is_typed, count = installation.run("-c", program, cwd=installation.site_packages).split()

    assert file == str(installation.site_packages / "fallback_messaging" / "__init__.py")
    assert is_typed == "True"
    assert int(count) > 50


def test_everything_that_it_offers_can_be_imported(installation: Any) -> None:
    program = (
        "import fallback_messaging as package;"
        "print(len([getattr(package, name) for name in package.__all__]))"
    )

    assert int(installation.run("-c", program, cwd=installation.site_packages)) > 15


def test_the_operators_commands_run_from_it(installation: Any) -> None:
    command = ("-m", "fallback_messaging.operations", "verify", "--help")

    printed = installation.run(*command, cwd=installation.site_packages)

    assert "--text-sender" in printed


def test_the_functions_code_is_found_inside_it(installation: Any) -> None:
    program = (
        "from fallback_messaging.archive import runtime_files;"
        "print(runtime_files()['runtime/handlers/message_api.py'])"
    )

    path = installation.run("-c", program, cwd=installation.site_packages).strip()

    assert path.startswith(str(installation.site_packages))
