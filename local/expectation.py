"""What is expected of one message: of its status document, and of what the providers got."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.api_client import Answer


@dataclass(frozen=True)
class Observation:
    """What was seen of a scenario: the answers to its requests, and its message as it is now."""

    answers: list[Answer] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    sends: list[dict[str, Any]] = field(default_factory=list)

    @property
    def message_id(self) -> str | None:
        """The message that the first request was accepted as."""
        return self.answers[0].document.get("message_id") if self.answers else None


@dataclass(frozen=True)
class Expectation:
    """The facts of a status document and the exact sends; `steps` has a status for each step.

    `fallback_within` is the earliest and the latest time of the fallback, in seconds after the
    request.
    """

    status: str
    steps: tuple[str, ...]
    sends: tuple[str, ...]  # channels, in the order of the sends where one fell back on the other
    fallback: str | None = None
    fallback_within: tuple[float, float] = (0, 0)
    delivered_late: bool = False
    delivered_twice: bool = False

    def faults(self, seen: Observation) -> Iterator[str]:
        """Yield a sentence for each fact that is not as expected."""
        first = seen.answers[0]
        if first.status != 202:  # noqa: PLR2004 -- Accepted
            yield f"the request was answered {first.status}: {first.document}"
            return
        document = seen.document
        if not document:
            yield "there is no status document"
            return
        facts = {
            "status": (document["status"], self.status),
            "steps": (tuple(step["status"] for step in document["steps"]), self.steps),
            "delivered_late": (document["outcome"]["delivered_late"], self.delivered_late),
            "delivered_twice": (document["outcome"]["delivered_twice"], self.delivered_twice),
            "sends": (self._ordered(channel_of(send) for send in seen.sends), self.sends),
        }
        for name, (actual, expected) in facts.items():
            if actual != expected:
                yield f"{name}: {_words(actual)} instead of {_words(expected)}"
        yield from self._fallback_faults(document)

    def _ordered(self, channels: Iterable[str]) -> tuple[str, ...]:
        # Without a fallback, what was sent was sent at once, and which came first is chance.
        seen = tuple(channels)
        same = self.fallback is None and sorted(seen) == sorted(self.sends)
        return self.sends if same else seen

    def _fallback_faults(self, document: dict[str, Any]) -> Iterator[str]:
        fallback = document["fallback"] or {}
        if fallback.get("reason") != self.fallback:
            yield f"fallback: {_words(fallback.get('reason'))} instead of {_words(self.fallback)}"
        elif fallback:
            after = seconds_between(document["created_at"], fallback["at"])
            least, most = self.fallback_within
            if not least <= after <= most:
                yield f"fallback: after {after:.1f} s instead of {least:g} to {most:g} s"


def channel_of(send: dict[str, Any]) -> str:
    """Return the channel of a send; RCS is one of its own on the provider of texts."""
    if "RcsMessageContent" in send["content"]:
        return "rcs"
    return "email" if send["provider"] == "ses" else str(send["provider"])


def seconds_between(start: str, end: str) -> float:
    """Return the seconds between two times of a status document."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value)
