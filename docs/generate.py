"""Rewrites the documents that are made from the code, or parts of them; --check only compares."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import architecture  # noqa: E402  the repository is not installed
import event_tables  # noqa: E402
import iam_policies  # noqa: E402
import parameter_schema  # noqa: E402
import plugin_constraints  # noqa: E402
import plugin_schema  # noqa: E402

from infra.settings import PARAMETERS, Settings  # noqa: E402
from local.simulator.recipients import tables  # noqa: E402


def parameters() -> Iterator[str]:
    """Yield the table of parameters, from the code that reads them."""
    yield "| parameter | default | meaning |"
    yield "|---|---|---|"
    for field in fields(Settings):
        parameter = PARAMETERS[field.name]
        names = " or ".join(f"`{name}`" for name in (parameter.name, *parameter.synonyms))
        yield f"| {names} | {_default(field)} | {parameter.sentences} |"


def _default(field: Any) -> str:  # noqa: ANN401  dataclasses.Field is generic in its value
    value = field.default_factory() if field.default is MISSING else field.default
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ", ".join(value)
    return f"`{value}`" if value not in ("", (), {}) else ""


def recipients() -> Iterator[str]:
    """Yield the tables of the simulator's recipients, from what it plays."""
    yield tables()


# By document, the makers of its parts, each between `<!-- name -->` and `<!-- /name -->`.
PARTS: Mapping[str, Mapping[str, Callable[[], Iterator[str]]]] = {
    "docs/events.md": {
        "email": event_tables.email_events,
        "sms": event_tables.sms_events,
        "rcs": event_tables.rcs_events,
        "whatsapp": event_tables.whatsapp_events,
        "errors": event_tables.api_errors,
    },
    "docs/local.md": {"recipients": recipients},
    "docs/parameters.md": {"parameters": parameters},
}

# The makers of files that are generated as a whole.
FILES: Mapping[str, Callable[[], str]] = {
    "config.params.schema.json": parameter_schema.parameter_schema,
    "docs/architecture.svg": architecture.architecture,
    "docs/iam-policies.json": iam_policies.iam_policies,
    "plugin/constraints.txt": plugin_constraints.plugin_constraints,
    "plugin/schema.json": plugin_schema.plugin_schema,
}


def generated(path: str) -> str:
    """Return a document as it is to be now: made as a whole, or with its generated parts."""
    if path in FILES:
        return FILES[path]()
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, make in PARTS[path].items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            sys.exit(f"{path} has no part {name}")
        text = before + start + "\n\n" + "\n".join(make()).strip() + "\n\n" + end + after
    return text


def main() -> None:
    """Write the documents, or check them."""
    now = {path: generated(path) for path in (*PARTS, *FILES)}
    stale = [path for path, text in now.items() if _written(path) != text]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"out of date: {', '.join(stale)}; run `make docs`")
        return
    for path in stale:
        (ROOT / path).write_text(now[path], encoding="utf-8")


def _written(path: str) -> str:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    main()
