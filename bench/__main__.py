"""`python -m bench`: measure everything, print the tables, write them with JSON and pictures."""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.functions import set_environment
from bench.measure import CONSOLE, redirect_logs
from bench.stand_in import AWS_SECONDS, PROVIDER_SECONDS, StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the chosen parts; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--output", type=Path, default=PROJECT / ".local" / "bench")
    parser.add_argument(
        "--publish", action="store_true", help="write the figures into docs/performance.md"
    )
    arguments = parser.parse_args()
    results = measure()
    from bench import report  # noqa: PLC0415  its imports are the functions'

    text = report.tables(results)
    CONSOLE.write(text + "\n")
    output = PROJECT / "docs" / "performance" if arguments.publish else arguments.output
    output.mkdir(parents=True, exist_ok=True)
    (output / "results.json").write_text(json.dumps(report.plain(results), indent=1) + "\n")
    for name, picture in report.pictures(results).items():
        (output / name).write_text(picture)
    if arguments.publish:
        from bench.table import replace_between  # noqa: PLC0415

        page = PROJECT / "docs" / "performance.md"
        page.write_text(replace_between(page.read_text(), "figures", text))
    else:
        (output / "tables.md").write_text(text + "\n")
    CONSOLE.write(f"\nJSON, tables and pictures: {output}\n")
    return 0


def measure() -> dict[str, Any]:
    """Measure every part, and say on the terminal what is under way."""
    set_environment()
    redirect_logs()
    stand_in = StandIn()
    stand_in.install()
    # After the environment and the stand-in: these import the functions.
    from bench import api, cold_start, decisions, growth, normalizer, senders  # noqa: PLC0415

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "cold_start": cold_start.run,
        "normalizer": lambda: normalizer.run(stand_in),
        "senders": lambda: senders.run(stand_in),
        "api": lambda: api.run(stand_in),
        "growth": lambda: growth.run(stand_in),
    }
    results: dict[str, Any] = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "processor": platform.machine(),
            "simulated_aws_ms": 1000 * AWS_SECONDS,
            "simulated_provider_ms": 1000 * PROVIDER_SECONDS,
        }
    }
    for name, run in parts.items():
        started = time.monotonic()
        results[name] = run()
        CONSOLE.write(f"{name}: measured in {time.monotonic() - started:.0f} s\n")
        CONSOLE.flush()
    started = time.monotonic()
    results["decisions"] = decisions.run_apart()
    CONSOLE.write(f"decisions: measured in {time.monotonic() - started:.0f} s\n\n")
    return results


if __name__ == "__main__":
    sys.exit(main())
