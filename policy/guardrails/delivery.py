"""Rules on how messages and events are handed on, so that none is lost or blocks the others."""

from collections.abc import Iterator, Sequence
from typing import Any

from .resource import UNKNOWN, Resource, Rule, Violation, as_list, can_be_among, of_kind

__all__ = ["RULES"]

# What SQS and Lambda have where nothing is set.
_DEFAULT_RETENTION_SECONDS = 345_600
_DEFAULT_VISIBILITY_SECONDS = 30
_DEFAULT_TIMEOUT_SECONDS = 3


def dead_letters_outlive_their_source(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A dead-letter queue keeps messages longer than the queue that they come from."""
    queues = _by(resources, "Queue", "arn")
    for queue in queues.values():
        target = queues.get(_dead_letters_of(queue))
        if target is None:
            continue
        kept, kept_before = _retention(target), _retention(queue)
        if UNKNOWN not in (kept, kept_before) and kept <= kept_before:
            # The age of a message goes on where it was.
            yield Violation(target, f"keeps messages no longer than {queue.name}")


def work_queues_have_dead_letters(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A queue that a function works on hands over what it cannot do."""
    for mapping, queue, _ in _consumed_queues(resources):
        if not _dead_letters_of(queue):
            yield Violation(queue, f"has no dead-letter queue for what {mapping.name} gives up")


def messages_are_hidden_long_enough(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A queue hides a message for six times its function's timeout, and the batching window."""
    for mapping, queue, function in _consumed_queues(resources):
        timeout = function.get("timeout") or _DEFAULT_TIMEOUT_SECONDS
        window = mapping.get("maximumBatchingWindowInSeconds") or 0
        hidden = queue.get("visibilityTimeoutSeconds") or _DEFAULT_VISIBILITY_SECONDS
        if UNKNOWN in (timeout, window, hidden):
            continue
        needed = 6 * timeout + window
        if hidden < needed:
            yield Violation(queue, f"hides a message for {hidden:g} s; {needed:g} s are needed")


def single_failures_are_reported(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A failed message does not make its whole batch come again."""
    for mapping in of_kind(resources, "EventSourceMapping"):
        types = as_list(mapping.get("functionResponseTypes"))
        if not can_be_among("ReportBatchItemFailures", types):
            yield Violation(mapping, "one failure repeats the whole batch")


def streams_are_not_blocked(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A record that cannot be read is given up on after a while, and named on a queue."""
    for mapping in of_kind(resources, "EventSourceMapping"):
        if ":kinesis:" not in str(mapping.get("eventSourceArn")):
            continue
        for limit in ("maximumRetryAttempts", "maximumRecordAgeInSeconds"):
            value = mapping.get(limit)
            # Both are endless by default, which AWS writes as -1.
            if value is None or (value is not UNKNOWN and value < 0):
                yield Violation(mapping, f"{limit} is endless: one bad record blocks its shard")
        if not mapping.get("destinationConfig.onFailure.destinationArn"):
            yield Violation(mapping, "what it gives up on is not named anywhere")


def dead_letters_have_alarms(resources: Sequence[Resource]) -> Iterator[Violation]:
    """An alarm tells of every message that was given up on."""
    watched = {
        alarm.get("dimensions.QueueName")
        for alarm in of_kind(resources, "MetricAlarm")
        if alarm.get("metricName") == "ApproximateNumberOfMessagesVisible"
    }
    if not of_kind(resources, "EventSourceMapping"):
        return
    targets = {_dead_letters_of(queue) for queue in of_kind(resources, "Queue")} | {
        mapping.get("destinationConfig.onFailure.destinationArn")
        for mapping in of_kind(resources, "EventSourceMapping")
    }
    for arn, queue in _by(resources, "Queue", "arn").items():
        if arn in targets and not can_be_among(queue.get("name"), watched):
            yield Violation(queue, "no alarm tells of messages that were given up on")


def _consumed_queues(
    resources: Sequence[Resource],
) -> Iterator[tuple[Resource, Resource, Resource]]:
    """Yield each mapping of a queue with the queue and the function."""
    queues = _by(resources, "Queue", "arn")
    functions = _by(resources, "Function", "arn") | _by(resources, "Function", "name")
    for mapping in of_kind(resources, "EventSourceMapping"):
        queue = queues.get(mapping.get("eventSourceArn"))
        function = functions.get(mapping.get("functionName"))
        if queue and function:
            yield mapping, queue, function


def _by(resources: Sequence[Resource], kind: str, key: str) -> dict[str, Resource]:
    # Before a resource exists, what others know it by is unknown: the same for all of them.
    return {
        each.get(key): each
        for each in of_kind(resources, kind)
        if each.get(key) not in (None, "", UNKNOWN)
    }


def _dead_letters_of(queue: Resource) -> Any:  # noqa: ANN401  an ARN, None or UNKNOWN
    return queue.read("redrivePolicy", "deadLetterTargetArn")


def _retention(queue: Resource) -> Any:  # noqa: ANN401  seconds or UNKNOWN
    return queue.get("messageRetentionSeconds") or _DEFAULT_RETENTION_SECONDS


RULES: tuple[Rule, ...] = (
    dead_letters_outlive_their_source,
    work_queues_have_dead_letters,
    messages_are_hidden_long_enough,
    single_failures_are_reported,
    streams_are_not_blocked,
    dead_letters_have_alarms,
)
