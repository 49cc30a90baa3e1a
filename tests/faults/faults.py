"""What can go wrong at a call of AWS or of a provider, and the count of all calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.faults.stand_in import client_error


class Crash(BaseException):
    """The invocation dies here: a timeout, out of memory, a lost machine."""


class Fault(StrEnum):
    """The faults of one call."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    # The service answers an error; where a batch has an answer per entry, under HTTP 200.
    REFUSED = "refused"
    # The answer was lost and botocore makes the call again.
    REPEATED = "repeated"
    # Half of a batch is answered, and the rest left over.
    PARTIAL = "partial"
    # A read that need not be consistent answers what was there before the last write.
    STALE = "stale"
    # In the middle of this, another worker gets the same message, or the next one, and is faster.
    RACE = "race"


CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)

_REFUSED_BATCHES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "dynamodb.batch_execute_statement": lambda call: {
        "Responses": [{"Error": {"Code": "ThrottlingError"}} for _ in call["Statements"]]
    },
    "sqs.send_message_batch": lambda call: {
        "Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in call["Entries"]]
    },
    "kinesis.put_records": lambda call: {
        "FailedRecordCount": len(call["Records"]),
        "Records": [
            {"ErrorCode": "ProvisionedThroughputExceededException"} for _ in call["Records"]
        ],
    },
}


_BATCH_READ = "dynamodb.batch_get_item"
# Where each batch has its entries, and its answer what belongs to single ones.
_BATCHES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dynamodb.batch_execute_statement": ("Statements", ("Responses",)),
    "sqs.send_message_batch": ("Entries", ("Successful", "Failed")),
    "kinesis.put_records": ("Records", ("Records",)),
}


def _half(name: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Make a batch call with the first half of its entries; the rest is refused."""
    entries, answers = _BATCHES[name]
    batch = arguments[entries]
    half = len(batch) // 2
    answer = call(**arguments | {entries: batch[:half]}) if half else {}
    refused = _REFUSED_BATCHES[name](arguments | {entries: batch[half:]})
    merged = {key: [*answer.get(key, []), *refused.get(key, [])] for key in answers}
    return {**answer, **refused, **merged}


def _half_of_keys(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Read the first half of the keys; the rest is left over."""
    ((table, request),) = arguments["RequestItems"].items()
    half = len(request["Keys"]) // 2
    now, later = (
        {**request, "Keys": keys} for keys in (request["Keys"][:half], request["Keys"][half:])
    )
    answer = call(RequestItems={table: now}) if half else {"Responses": {}}
    return {**answer, "UnprocessedKeys": {table: later}}


@dataclass
class Calls:
    """Every call in the order of its making, and the faults that befall some of them.

    `faults` goes by the number of the call, from 0. An invocation that has crashed makes no
    further call, whichever of its threads tries.
    """

    faults: Mapping[int, Fault] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    happened: list[tuple[str, Fault]] = field(default_factory=list)
    dead: list[bool] = field(default_factory=list)
    rival: Callable[[], None] = lambda: None

    def make(self, name: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        fault = self.begin(name)
        repeatable = not name.startswith("provider.")
        if fault is Fault.REFUSED and repeatable:
            self.happened.append((name, fault))
            if name in _REFUSED_BATCHES:
                return _REFUSED_BATCHES[name](arguments)
            raise client_error("ThrottlingException", name)
        if fault is Fault.PARTIAL and name in _BATCHES:
            self.happened.append((name, fault))
            return _half(name, call, arguments)
        if fault is Fault.PARTIAL and name == _BATCH_READ:
            self.happened.append((name, fault))
            return _half_of_keys(call, arguments)
        if fault is Fault.STALE and name == _BATCH_READ:
            self.happened.append((name, fault))
            arguments |= {"stale": True}
        try:
            answer = call(**arguments)
        except Exception:
            # Also the answer that is an error may come too late for this process.
            self.end(name, fault)
            raise
        if fault is Fault.REPEATED and repeatable:
            self.happened.append((name, fault))
            answer = call(**arguments)
        self.end(name, fault)
        return answer

    def begin(self, name: str) -> Fault | None:
        if self.dead and self.dead[-1]:
            raise Crash
        fault = self.faults.get(len(self.names))
        self.names.append(name)
        if fault is Fault.RACE:
            self.rival()
        if fault is Fault.CRASH_BEFORE:
            self._crash(name, fault)
        return fault

    def end(self, name: str, fault: Fault | None) -> None:
        if fault is Fault.CRASH_AFTER:
            self._crash(name, fault)

    def _crash(self, name: str, fault: Fault) -> None:
        self.happened.append((name, fault))
        self.dead[-1] = True
        raise Crash

    def invoke(
        self, handler: Callable[[dict[str, Any], Any], Any], event: Any, context: Any
    ) -> Any:
        """Run one invocation; None if it crashed, or ended in an error as Lambda sees one."""
        self.dead.append(False)
        try:
            return handler(event, context)
        except Crash:
            return None
        finally:
            self.dead.pop()
