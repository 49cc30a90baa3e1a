"""Plays scenarios, all at the same time, and watches what comes of them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from local.api_client import Answer, ApiClient, fetch_outbox
from local.expectation import Observation
from local.scenarios import Scenario

POLL_SECONDS = 0.5
# After the last scenario is decided: long enough for a second send or a late event to show.
GRACE_SECONDS = 3


@dataclass
class Run:
    """One scenario as it goes on; written by its thread, read by whoever shows it.

    `faults` is None while it is undecided, and empty when all was as expected.
    """

    scenario: Scenario
    seen: Observation = field(default_factory=Observation)
    faults: list[str] | None = None
    seconds: float = 0

    @property
    def as_expected(self) -> bool:
        """Whether the scenario ended as expected."""
        return self.faults == []


class ScenarioRunner:
    """Plays scenarios against a deployment."""

    def __init__(self, api: ApiClient, simulator_url: str, scenarios: tuple[Scenario, ...]) -> None:
        self._api = api
        self._simulator_url = simulator_url
        self.runs = [Run(scenario) for scenario in scenarios]
        self._done = threading.Event()

    def start(self) -> None:
        """Play all scenarios in the background."""
        threading.Thread(target=self._play_all, name="scenarios", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all are decided, or for some time; return whether they are."""
        return self._done.wait(seconds)

    def _play_all(self) -> None:
        try:
            with ThreadPoolExecutor(len(self.runs), "scenario") as threads:
                list(threads.map(self._play, self.runs))
            time.sleep(GRACE_SECONDS)
            for run in self.runs:
                self._look_again(run)
        finally:
            self._done.set()

    def _play(self, run: Run) -> None:
        scenario = run.scenario
        start = time.monotonic()
        faults = ["nothing was seen"]
        try:
            answers = scenario.play(self._api)
            while True:
                run.seen = self._observe(answers)
                faults = scenario.faults(run.seen)
                run.seconds = time.monotonic() - start
                if run.seconds > scenario.limit_seconds:
                    break
                if not faults and run.seconds >= scenario.watch_seconds:
                    break
                time.sleep(POLL_SECONDS)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this scenario's fault
            faults = [f"{type(error).__name__}: {error}"]
        run.faults = faults

    def _look_again(self, run: Run) -> None:
        if not run.as_expected:
            return
        run.seen = self._observe(run.seen.answers)
        run.faults = [f"afterwards, {fault}" for fault in run.scenario.faults(run.seen)]

    def _observe(self, answers: list[Answer]) -> Observation:
        seen = Observation(answers)
        if not seen.message_id:
            return seen
        document = self._api.status(seen.message_id).document
        sends = [
            send
            for send in fetch_outbox(self._simulator_url)
            if send["tags"].get("message_id") == seen.message_id
        ]
        return Observation(answers, document, sends)
