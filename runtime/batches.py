"""Work in batches: slices of AWS's sizes, and SQS batches whose records succeed one by one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

from .telemetry import log_error

T = TypeVar("T")
R = TypeVar("R")


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def in_parallel(
    purpose: str, call: Callable[[T], R], items: Sequence[T], *, concurrency: int
) -> list[R]:
    """Call for each item, so many at a time; return the results once all calls are over.

    `purpose` names the threads: a call may do this again for another purpose, and not for its own.
    """
    if concurrency == 1 or len(items) <= 1:
        return [call(item) for item in items]
    threads = _threads(purpose, concurrency)
    futures = [threads.submit(call, item) for item in items]
    # Also when one has failed: the function must not end while others still write.
    wait(futures)
    return [future.result() for future in futures]


@cache
def _threads(purpose: str, number: int) -> ThreadPoolExecutor:
    # Kept for the next batch: starting threads for each was a seventh of a small batch's CPU.
    return ThreadPoolExecutor(max_workers=number, thread_name_prefix=purpose)


def process_records(
    event: dict[str, Any], process: Callable[[dict[str, Any]], None], *, concurrency: int
) -> dict[str, Any]:
    """Process the records of an SQS batch in parallel; return the failed ones to the queue."""
    records = event["Records"]
    succeeded = in_parallel(
        "records", lambda record: _succeeds(record, process), records, concurrency=concurrency
    )
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]}
            for record, ok in zip(records, succeeded, strict=True)
            if not ok
        ]
    }


def _succeeds(record: dict[str, Any], process: Callable[[dict[str, Any]], None]) -> bool:
    try:
        process(record)
    except Exception as error:  # noqa: BLE001  one record must not fail its neighbours
        log_error("record failed", error, record_id=record["messageId"])
        return False
    return True
