"""The simulation: its parts, its parameters, and what it must say of plain cases."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import bench.cost
from bench.pipeline import Parameters, Pipeline
from bench.quotas import Quotas, rows
from bench.scale import DEFAULTS, QUOTAS, Scenario, burst, size, steady
from bench.simulation import Budget, Clock, Delays, Group, Mapping, Queue
from infra.settings import Settings


def test_the_simulated_parameters_have_the_stacks_defaults() -> None:
    settings = Settings()
    for name, value in asdict(Parameters()).items():
        assert getattr(settings, name) == value, name


def test_every_quota_has_a_source() -> None:
    assert all(source.startswith("https://docs.aws.amazon.com/") for _, _, source in rows())


def test_callbacks_run_in_the_order_of_their_times() -> None:
    clock, seen = Clock(), []
    for at in (3.0, 1.0, 2.0):
        clock.at(at, seen.append, at)
    clock.run(until=2.5)
    assert seen == [1.0, 2.0]


def test_a_queue_gives_what_came_first_and_splits_groups() -> None:
    queue = Queue()
    queue.put(Group(3, since=0.0), now=0.0)
    queue.put(Group(5, since=1.0), now=1.0)
    assert [group.count for group in queue.take(4)] == [3, 1]
    assert queue.size == 4


def test_a_budget_lets_its_rate_through() -> None:
    budget = Budget(10)
    assert budget.take(25, now=0.0) == 10
    assert budget.take(25, now=0.5) == 5
    assert Budget(10).wait(30, now=0.0) == 2.0


def test_a_mapping_waits_for_its_window_and_no_longer() -> None:
    clock, batches = Clock(), []

    def work(groups, now):
        batches.append((now, sum(group.count for group in groups)))
        return 0.1

    mapping = Mapping(clock, Queue(), batch=10, window=1.0, most=1, work=work)
    clock.at(0.0, mapping.put, Group(4, 0.0))
    clock.at(0.5, mapping.put, Group(4, 0.5))
    clock.at(5.0, mapping.put, Group(12, 5.0))
    clock.run()
    assert batches == [(1.0, 8), (5.0, 10), (6.0, 2)]


def test_percentiles_count_messages_and_not_groups() -> None:
    delays = Delays()
    delays.add(1.0, 99)
    delays.add(50.0, 1)
    assert (delays.percentile(0.5), delays.percentile(1.0)) == (1.0, 50.0)


def test_every_message_is_sent_once_and_every_failure_falls_back() -> None:
    outcome = burst(Scenario("", DEFAULTS, QUOTAS), messages=5_000)
    assert outcome.accepted == outcome.sent == 5_000
    assert outcome.fallbacks == 150
    assert outcome.throttled == 0


def test_a_slow_provider_shows_as_throttled_tries_and_late_starts() -> None:
    hurried = replace(DEFAULTS, api_throttle_rate=1_000)
    slow = burst(Scenario("", hurried, replace(QUOTAS, ses_per_second=20)), messages=2_000)
    assert slow.sent == 2_000
    assert slow.throttled > 0
    assert slow.start.percentile(0.99) > 30


def test_a_stream_that_is_too_small_brings_records_back_late() -> None:
    quotas = Quotas(shard_records_per_second=20)
    outcome = Pipeline(DEFAULTS, quotas).run([(0.0, 500)], sample_every=60, until=5_000)
    assert outcome.refused_by_stream > 0
    assert outcome.decision.percentile(0.99) > 60


def test_a_sized_stack_decides_in_seconds() -> None:
    outcome = steady(size(360_000), 360_000, minutes=2)
    assert outcome.decision.percentile(0.99) < 4
    assert outcome.throttled == 0


def test_every_unit_has_a_price_with_a_source() -> None:
    prices = json.loads(Path(bench.cost.__file__).with_name("prices.json").read_text())
    assert prices["per_million"].keys() == bench.cost._SERVICES.keys()
    for kind in ("per_million", "per_month_with_traffic", "provider_per_thousand"):
        for entry in prices[kind].values():
            assert entry["source"].startswith("https://aws.amazon.com/")
            assert entry["checked"] in ("secondary page", "from memory")


def test_dollars_are_units_times_prices() -> None:
    assert bench.cost.dollars({"SQS requests": 2.0})["SQS"] == 0.8
