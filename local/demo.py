"""`python -m local demo`: deploy, play every scenario, and show what happened."""

import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.api_client import ApiClient
from local.deployment import STATE_DIRECTORY, running_deployment
from local.scenario_run import Run, ScenarioRunner
from local.scenarios import SCENARIOS


def demo() -> int:
    """Return 0 when every scenario went as expected, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    start = time.monotonic()
    console.print("Deploying on this machine ...")
    with running_deployment() as deployment:
        console.print(f"Deployed in {time.monotonic() - start:.1f} s: {deployment.api_url}")
        runner = ScenarioRunner(
            ApiClient(deployment.api_url, deployment.api_key), deployment.simulator_url, SCENARIOS
        )
        runner.start()
        _show(console, runner)
        failed = [run for run in runner.runs if not run.as_expected]
        if failed:
            log_file = deployment.log_file.rename(STATE_DIRECTORY / "demo.log")
    for run in failed:
        console.print(f"\n{run.scenario.title}, message {run.seen.message_id}:")
        for fault in run.faults or ["it was not decided"]:
            console.print(Text(f"  - {fault}"))
    if failed:
        console.print(f"\nWhat the functions logged: {log_file}")
    count = len(runner.runs)
    console.print(f"demo: {count - len(failed)} of {count} scenarios as expected")
    return 1 if failed else 0


def _show(console: Console, runner: ScenarioRunner) -> None:
    if not console.is_terminal:
        # A log gets a line for each scenario when it is decided, and the table at the end.
        shown: set[str] = set()
        while not runner.wait(0.2) or len(shown) < len(runner.runs):
            for run in runner.runs:
                if run.faults is not None and run.scenario.name not in shown:
                    shown.add(run.scenario.name)
                    verdict = "as expected" if run.as_expected else "NOT as expected"
                    console.print(f"{run.seconds:5.1f} s  {verdict}: {run.scenario.title}")
        console.print(_table(runner.runs))
        return
    with Live(_table(runner.runs), console=console, refresh_per_second=4) as live:
        while not runner.wait(0.25):
            live.update(_table(runner.runs))
        live.update(_table(runner.runs))


def _table(runs: list[Run]) -> Table:
    # Narrow enough for 80 columns.
    table = Table(
        *("message", "step", "channel", "status", "seconds", ""), box=None, padding=(0, 2, 0, 0)
    )
    for run in runs:
        step, channel, status = _progress(run)
        table.add_row(
            run.scenario.title, step, channel, status, f"{run.seconds:.1f}", _verdict(run)
        )
    return table


def _progress(run: Run) -> tuple[str, str, str]:
    """Return how far the message is: of a chain the step it has reached, of a broadcast all."""
    document = run.seen.document
    if "steps" not in document:
        return "", "", f"HTTP {run.seen.answers[0].status}" if run.seen.answers else ""
    steps = document["steps"]
    if document["use_case"] == "broadcast":
        return f"{len(steps)} of {len(steps)}", "all", document["status"]
    index = document["fallback"]["step"] if document["fallback"] else 0
    # Repairs and repetitions of a step are listed as steps, but are no steps of the chain.
    position = sum(not step["only_after"] for step in steps[: index + 1])
    count = sum(not step["only_after"] for step in steps)
    return f"{position} of {count}", steps[index]["channel"], document["status"]


def _verdict(run: Run) -> Text:
    if run.faults is None:
        return Text("...")
    return Text("ok", style="green") if run.as_expected else Text("not ok", style="red")
