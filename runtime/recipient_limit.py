"""How many messages a recipient may be sent within an hour of the clock.

Counted is what is sent: each step once for each of its addresses, whatever its channel, and retries
and repairs are steps. What goes out for certain (the first step, and every step of a broadcast) is
counted by the API, which can refuse it; every other step by its sender, right before it is claimed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .batches import in_parallel
from .digests import keyed_digest
from .domain.message import Message, UseCase
from .domain.plan import StepContent
from .settings import LimitSettings
from .store import Store

# The reason of a step that is not sent for it, and the rule of a request that is refused for it.
RECIPIENT_LIMIT: Final = "messagesPerRecipientPerHour"
_HOUR_MS: Final = 3_600_000
_COUNTED_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class _Send:
    """One step to one address; `place` is where the step has the address."""

    step: int
    place: str
    address: str


@dataclass(frozen=True, slots=True)
class RecipientLimit:
    """The counters of recipients, with the limit of the stack."""

    store: Store
    settings: LimitSettings

    def refused_at_acceptance(
        self, message: Message, contents: tuple[StepContent, ...], now: int
    ) -> list[tuple[int, str]]:
        """Count what goes out for certain; return step and place of each address beyond the limit.

        Where there is one, nothing of the message stays counted.
        """
        if not self.settings.messages_per_recipient_per_hour:
            return []
        certain = {index: contents[index] for index in _sent_for_certain(message)}
        return self._count(message.message_id, certain, now)

    def refuses(self, message: Message, step: int, content: StepContent, now: int) -> bool:
        """Count what one step sends, if the API has not; return True, uncounted, if it is too much.

        Before the claim: a count that fails must not cost a step, while a step that is counted and
        then not sent costs its recipient's allowance until the hour is over.
        """
        if not self.settings.messages_per_recipient_per_hour or step in _sent_for_certain(message):
            return False
        return bool(self._count(message.message_id, {step: content}, now))

    def _count(
        self, message_id: str, contents: Mapping[int, StepContent], now: int
    ) -> list[tuple[int, str]]:
        sends = [send for index, content in contents.items() for send in _sends(index, content)]
        hour = now // _HOUR_MS

        def digest(send: _Send) -> str:
            return keyed_digest(self.settings.digest_key, "recipient", send.address)

        def count(send: _Send) -> bool:
            return self.store.count_recipient(
                digest(send),
                hour,
                f"{message_id}:{send.step}",
                self.settings.messages_per_recipient_per_hour,
            )

        # A few are counted on the connection that is open. With copies there can be fifty a step.
        counted = (
            in_parallel("counters", count, sends, concurrency=_COUNTED_AT_ONCE)
            if len(sends) > _COUNTED_AT_ONCE
            else [count(send) for send in sends]
        )
        refused = [send for send, fits in zip(sends, counted, strict=True) if not fits]
        if refused:
            # Or tries that are refused for one recipient would use up the others' allowance.
            for send, fits in zip(sends, counted, strict=True):
                if fits:
                    self.store.uncount_recipient(digest(send), hour, f"{message_id}:{send.step}")
        return [(send.step, send.place) for send in refused]


def _sent_for_certain(message: Message) -> list[int]:
    return message.mains if message.use_case is UseCase.BROADCAST else message.mains[:1]


def _sends(step: int, content: StepContent) -> Iterator[_Send]:
    """Yield each address that a step goes to, once; only mail has copies."""
    places = [("recipient", content.recipient)]
    for name in ("cc", "bcc"):
        copies = content.body.get(name, ())
        places += [(f"{content.channel}/{name}/{at}", copy) for at, copy in enumerate(copies)]
    first: dict[str, str] = {}
    for place, address in places:
        first.setdefault(address.lower(), place)
    yield from (_Send(step, place, address) for address, place in first.items())
