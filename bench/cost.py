"""`python -m bench.cost`: dollars per million messages, next to one invocation per event."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.functions import set_environment
from bench.measure import CONSOLE, redirect_logs
from bench.picture import bars
from bench.stand_in import StandIn
from bench.table import replace_between, table
from local.base_cost import base_cost
from local.recording import record_project

PROJECT = Path(__file__).resolve().parent.parent
PRICES: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
MOST_DOLLARS = 12.0
# Under which name a bill has each of these.
_SERVICES = {
    "DynamoDB write units": "DynamoDB writes",
    "DynamoDB read units": "DynamoDB reads",
    "row GB-months": "DynamoDB storage, 30 days",
    "SQS requests": "SQS",
    "SNS publishes": "SNS",
    "Kinesis put units": "Kinesis",
    "Lambda requests": "Lambda requests",
    "Lambda GB-seconds (arm64)": "Lambda duration",
    "log bytes": "CloudWatch Logs",
}
# Name, first channel, share that needs the second step.
_MIXES = (
    ("email, then SMS (the default)", "email", None),
    ("the same, 20% fall back", "email", 0.20),
    ("SMS, then email", "sms", None),
    ("WhatsApp, then SMS", "whatsapp", None),
)
Dollars = dict[str, float]


def dollars(usage: dict[str, float]) -> Dollars:
    """Return the price of a million messages by service."""
    return {
        service: usage.get(unit, 0.0) * PRICES["per_million"][unit]["price"]
        for unit, service in _SERVICES.items()
    }


def measure() -> dict[str, dict[str, dict[str, float]]]:
    """Return what a message uses by mix and design."""
    set_environment()
    redirect_logs()
    stand_in = StandIn()
    stand_in.install()
    # After the environment and the stand-in: this imports the functions.
    from bench import usage  # noqa: PLC0415

    return {
        name: {
            "full batches": dict(
                usage.message_usage(stand_in, channel, usage.BUSY, fallback_share)
            ),
            "one by one": dict(
                usage.message_usage(stand_in, channel, usage.TRICKLE, fallback_share)
            ),
            "naive": dict(usage.naive_usage(stand_in, channel, fallback_share)),
        }
        for name, channel, fallback_share in _MIXES
    }


def report(usages: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the tables."""
    name = _MIXES[0][0]
    default = usages[name]
    priced = {design: dollars(usage) for design, usage in default.items()}
    ours = priced["full batches"]
    total, naive = sum(ours.values()), sum(priced["naive"].values())
    largest = sorted(ours, key=lambda service: -ours[service])[:3]
    return "\n\n".join(
        (
            f"### {name}: dollars per million messages",
            _by_service(priced),
            _target(total, naive),
            "The three largest: "
            + ", ".join(f"{service} ${ours[service]:.2f}" for service in largest)
            + ".",
            "### What a message uses",
            _units(default),
            "### Mixes: dollars per million messages, without providers' fees",
            _mixes(usages),
            "### Every month, before the first message",
            _base(),
            "### Every month, with traffic",
            _with_traffic(),
            "### Providers' fees, for comparison",
            _providers(),
            f"Prices of {PRICES['as_of']}, {PRICES['region']}. {PRICES['note']}",
        )
    )


def _target(total: float, naive: float) -> str:
    met = "yes" if total < min(MOST_DOLLARS, naive) else "NO"
    api = PRICES["api_gateway_per_million"]["price"]
    return (
        f"Target below ${MOST_DOLLARS:.0f} and below the naive design: {met} "
        f"(${total:.2f}, naive ${naive:.2f}). API Gateway's own price (REST) comes on top of every "
        f"design: ${api:.2f} per million requests."
    )


def _by_service(priced: dict[str, Dollars]) -> str:
    designs = list(priced)
    rows = [
        (service, *(f"{priced[design][service]:.2f}" for design in designs))
        for service in _SERVICES.values()
    ]
    rows.append(("sum", *(f"{sum(priced[design].values()):.2f}" for design in designs)))
    return table(("service", *designs), rows)


def _units(default: dict[str, dict[str, float]]) -> str:
    designs = list(default)
    rows = [
        (unit, *(_quantity(default[design].get(unit, 0.0)) for design in designs))
        for unit in _SERVICES
    ]
    return table(("per message", *designs), rows)


def _quantity(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _mixes(usages: dict[str, dict[str, dict[str, float]]]) -> str:
    rows = [
        (name, *(f"{sum(dollars(usage).values()):.2f}" for usage in designs.values()))
        for name, designs in usages.items()
    ]
    return table(("chain", *next(iter(usages.values()))), rows)


def _base() -> str:
    """Price what the program of the dev stack creates, as `make preview` does."""
    lines = base_cost(record_project(PROJECT, "dev").resources)
    return _monthly([(f"{line.count} x {line.what}", line.monthly, line.source) for line in lines])


def _with_traffic() -> str:
    """Price what is billed by the hour or the month as soon as anything is sent."""
    entries = PRICES["per_month_with_traffic"].items()
    return _monthly([(what, entry["price"], entry["source"]) for what, entry in entries])


def _monthly(rows: list[tuple[str, float, str]]) -> str:
    total = ("sum", sum(price for _, price, _ in rows), "")
    header = ("what", "dollars a month", "source")
    cells = [(what, f"{price:.2f}", source) for what, price, source in (*rows, total)]
    return table(header, cells)


def _providers() -> str:
    rows = [
        (entry["what"], f"{1000 * entry['price']:,.0f}", entry["source"], entry["checked"])
        for entry in PRICES["provider_per_thousand"].values()
    ]
    return table(("what", "dollars per million", "source", "price checked"), rows)


def picture(usages: dict[str, dict[str, dict[str, float]]]) -> str:
    """Draw the default chain by service."""
    default = usages[_MIXES[0][0]]
    return bars(
        "Dollars per million messages, email then SMS",
        [(design, dollars(usage)) for design, usage in default.items()],
        "${}",
    )


def main() -> int:
    """Print the tables; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write them into docs/cost.md")
    arguments = parser.parse_args()
    usages = measure()
    text = report(usages)
    CONSOLE.write(text + "\n")
    if arguments.publish:
        page = PROJECT / "docs" / "cost.md"
        page.write_text(replace_between(page.read_text(), "figures", text))
        (PROJECT / "docs" / "cost" / "by-service.svg").write_text(picture(usages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
