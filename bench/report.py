"""What was measured, as tables and pictures, next to the targets."""

from typing import Any

from bench.measure import Figure
from bench.picture import bars, lines
from bench.table import table

Results = dict[str, Any]
LEAST_TIMES_FASTER = 40
LEAST_SENDER_TIMES_FASTER = 5
MOST_INVOCATIONS = 2
MOST_IMPORT_MS, MOST_MB = 250, 90
MOST_DECISION_P50, MOST_DECISION_P99, MOST_TIMER_P99 = 1.5, 4.0, 1.5


def tables(results: Results) -> str:
    """Return everything as Markdown."""
    parts = [
        "### Targets",
        _targets(results),
        "### Normalizer",
        _normalizer(results["normalizer"]),
        "### Relay (500 events an invocation)",
        _relay(results["normalizer"]["relay"]),
        "### Senders (10 messages an invocation)",
        _senders(results["senders"]),
        "### API",
        _api(results["api"]),
        "### Cold start (a fresh process each time; bytecode as Lambda has it)",
        _cold_start(results["cold_start"]),
        "### Growth (one event per message, 1,000 a batch)",
        _growth(results["growth"]),
    ]
    if "decisions" in results:
        parts += ["### Decisions (local deployment)", _decisions(results["decisions"])]
    return "\n\n".join(parts)


def _targets(results: Results) -> str:
    batches = results["normalizer"]["batches"]
    rows: list[tuple[object, ...]] = []

    def add(what: str, target: str, figure: object, *, met: bool) -> None:
        rows.append((what, target, figure, "yes" if met else "NO"))

    for size, batch in batches.items():
        faster = batch["times_faster"]
        add(
            f"normalizer at {size:,}, times the naive events per second",
            f">= {LEAST_TIMES_FASTER}",
            faster,
            met=faster.median >= LEAST_TIMES_FASTER,
        )
        ours, theirs = batch["write_units_per_1000"], batch["naive_write_units_per_1000"]
        add(
            f"normalizer at {size:,}, write units per 1,000 events",
            f"<= {theirs:,.0f} (naive)",
            f"{ours:,.0f}",
            met=ours <= theirs,
        )
    invocations = batches[1_000]["invocations_per_1000_events"]
    add(
        "normalizer invocations per 1,000 events, at batches of 1,000",
        f"<= {MOST_INVOCATIONS}",
        f"{invocations:.2f}",
        met=invocations <= MOST_INVOCATIONS,
    )
    for step in ("first_step", "fallback"):
        faster = results["senders"][step]["times_faster"]
        add(
            f"{step.replace('_', ' ')}, times the naive messages per second",
            f">= {LEAST_SENDER_TIMES_FASTER}",
            faster,
            met=faster.median >= LEAST_SENDER_TIMES_FASTER,
        )
    handlers = results["cold_start"]["handlers"]
    slowest = max(handlers, key=lambda name: handlers[name]["import_ms"].median)
    import_ms = handlers[slowest]["import_ms"]
    add(
        f"slowest import ({slowest}), ms",
        f"<= {MOST_IMPORT_MS}",
        import_ms,
        met=import_ms.median <= MOST_IMPORT_MS,
    )
    largest = max(handlers, key=lambda name: handlers[name]["first_call_mb"].median)
    memory = handlers[largest]["first_call_mb"]
    add(
        f"most memory after the first call ({largest}), MB",
        f"<= {MOST_MB}",
        memory,
        met=memory.median <= MOST_MB,
    )
    if "decisions" in results:
        decision, timer = (
            results["decisions"]["decision_seconds"],
            results["decisions"]["timer_error_seconds"],
        )
        for what, figure, most in (
            ("hard failure to fallback, p50 s", decision["p50"], MOST_DECISION_P50),
            ("hard failure to fallback, p99 s", decision["p99"], MOST_DECISION_P99),
            ("error of a fallback on time, p99 s", timer["p99"], MOST_TIMER_P99),
        ):
            add(what, f"< {most}", f"{figure:.2f}", met=figure < most)
    return table(("figure", "target", "measured: median (range)", "met"), rows)


def _normalizer(results: Results) -> str:
    rows = []
    for size, batch in results["batches"].items():
        for name in ("ours", "naive"):
            figures = batch[name]
            prefix = "" if name == "ours" else "naive_"
            rows.append(
                (
                    f"{size:,}" if name == "ours" else f"naive, same {size:,}",
                    figures["events_per_second"],
                    figures["lambda_ms_per_1000"],
                    figures["lambda_ms_per_1000_at_512_mb"],
                    figures["cpu_ms_per_1000"],
                    f"{batch[f'{prefix}calls_per_1000']:,.0f}",
                    f"{batch[f'{prefix}write_units_per_1000']:,.0f}",
                )
            )
    header = (
        "batch",
        "events/s",
        "Lambda ms per 1,000",
        "the same at 512 MB",
        "CPU ms per 1,000",
        "AWS calls per 1,000",
        "write units per 1,000",
    )
    return table(header, rows)


def _relay(relay: Results) -> str:
    return table(
        ("events/s", "Lambda ms per 1,000", "at 256 MB", "CPU ms per 1,000", "record bytes"),
        [
            (
                relay["events_per_second"],
                relay["lambda_ms_per_1000"],
                relay["lambda_ms_per_1000_at_256_mb"],
                relay["cpu_ms_per_1000"],
                f"{relay['stream_record_bytes']:.0f} of {relay['event_bytes']:.0f}",
            )
        ],
    )


def _senders(senders: Results) -> str:
    described = [
        ("first step", senders["first_step"]["ours"]),
        ("first step, naive", senders["first_step"]["naive"]),
        ("fallback", senders["fallback"]["ours"]),
        ("fallback, naive", senders["fallback"]["naive"]),
        ("timer after success", senders["timer_after_success"]),
    ]
    rows = [
        (
            name,
            figures["messages_per_second"],
            figures["cpu_ms_per_message"],
            f"{figures['write_units_per_message']:g}",
            ", ".join(
                f"{call.partition('.')[2]} {count:g}"
                for call, count in figures["calls_per_message"].items()
            ),
        )
        for name, figures in described
    ]
    sizes = ", ".join(f"{steps} steps {size} bytes" for steps, size in senders["rows"].items())
    header = ("work", "messages/s", "CPU ms per message", "write units", "calls per message")
    return (
        table(header, rows) + f"\n\nA row after all of its steps were sent: {sizes}. "
        "DynamoDB bills a write per KB begun."
    )


def _api(api: Results) -> str:
    names = {
        "post": "POST",
        "naive_post": "POST, naive",
        "post_with_faults": "POST with faults",
        "get": "GET",
    }
    rows = [
        (
            label,
            api[name]["cpu_ms"],
            api[name]["lambda_ms"],
            f"{api[name]['write_units']:g}",
            ", ".join(
                f"{call.partition('.')[2]} {count:g}" for call, count in api[name]["calls"].items()
            ),
        )
        for name, label in names.items()
    ]
    return table(("request", "CPU ms", "Lambda ms", "write units", "calls"), rows)


def _cold_start(cold: Results) -> str:
    rows = [
        (
            handler,
            figures["import_ms"],
            figures["import_cpu_ms"],
            figures["first_call_ms"],
            figures["import_mb"],
            figures["first_call_mb"],
        )
        for handler, figures in cold["handlers"].items()
    ]
    header = ("handler", "import ms", "CPU ms", "first call ms", "MB imported", "MB after a call")
    kinds = list(dict.fromkeys(name for costs in cold["imports"].values() for name in costs))
    costs = [
        (kind, *(f"{cold['imports'][handler].get(kind, 0):.1f}" for handler in cold["imports"]))
        for kind in kinds
    ]
    return (
        table(header, rows)
        + "\n\nMilliseconds of each package's own modules while importing (one run, traced, so "
        + "slower than above):\n\n"
        + table(("package", *cold["imports"]), costs)
    )


def _growth(growth: Results) -> str:
    rows = [
        (
            f"{int(number):,} {what}",
            figures["events_per_second"],
            figures["cpu_ms_per_1000"],
            f"{figures['calls_per_event']:.2f}",
        )
        for what, kind in (("rows", "rows"), ("in flight", "in_flight"))
        for number, figures in growth[kind].items()
    ]
    return table(("size", "events/s", "CPU ms per 1,000", "calls per event"), rows)


def _decisions(decisions: Results) -> str:
    names = {
        "decision_seconds": "hard-failure event to the fallback's send",
        "timer_error_seconds": "end of the wait to the fallback's send",
    }
    rows = [
        (
            label,
            decisions[name]["messages"],
            f"{decisions[name]['p50']:.2f}",
            f"{decisions[name]['p99']:.2f}",
            f"{decisions[name]['range'].least:.2f} to {decisions[name]['range'].most:.2f}",
        )
        for name, label in names.items()
    ]
    return table(("seconds from", "messages", "p50", "p99", "range"), rows)


def pictures(results: Results) -> dict[str, str]:
    """Return SVG documents by file name."""
    batches = results["normalizer"]["batches"]
    naive = batches[1_000]["naive"]["events_per_second"].median
    cold = results["cold_start"]
    growth = results["growth"]["in_flight"]
    table_growth = results["growth"]["rows"]
    return {
        "events-per-second.svg": bars(
            "Events per second of one concurrent invocation",
            [
                ("one event per invocation", {"events": naive}),
                *(
                    (f"batches of {size:,}", {"events": batch["ours"]["events_per_second"].median})
                    for size, batch in batches.items()
                ),
            ],
            "{}/s",
        ),
        "imports.svg": bars(
            "What a cold start imports (milliseconds, traced)",
            [(handler, costs) for handler, costs in cold["imports"].items()],
            "{} ms",
        ),
        "growth.svg": lines(
            "CPU per event stays flat",
            {
                "messages in flight": _points(growth),
                "rows in the table": _points(table_growth),
            },
            x_label="messages in flight, or rows (logarithmic)",
            y_label="CPU ms per 1,000 events",
            logarithmic=True,
        ),
    }


def _points(figures: dict[str, Any]) -> list[tuple[float, float]]:
    # Less than a thousand events are less than a batch.
    return [
        (float(number), figure["cpu_ms_per_1000"].median)
        for number, figure in figures.items()
        if int(number) >= 1_000  # noqa: PLR2004
    ]


def plain(value: Any) -> Any:  # noqa: ANN401  any JSON
    """Return results as JSON has them."""
    if isinstance(value, Figure):
        return {"median": value.median, "least": value.least, "most": value.most}
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    return value
