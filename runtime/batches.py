"""Work in batches: slices of AWS's sizes, and SQS batches whose records succeed one by one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .telemetry import log_error

T = TypeVar("T")


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def process_records(
    event: dict[str, Any], process: Callable[[dict[str, Any]], None], *, concurrency: int
) -> dict[str, Any]:
    """Process the records of an SQS batch in parallel; return the failed ones to the queue."""
    records = event["Records"]
    with ThreadPoolExecutor(max_workers=min(concurrency, len(records)) or 1) as pool:
        succeeded = list(pool.map(lambda record: _succeeds(record, process), records))
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
