"""What the three providers have in common: admission, the outbox, and the recipient's script."""

import base64
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from local.simulator.clock import epoch_ms, iso_time
from local.simulator.publisher import Publisher
from local.simulator.recipients import THROTTLED_ATTEMPTS, Behaviour, Event
from local.simulator.wire import Fault, Params, ServiceError, Wire

Operation = Callable[[Params], Awaitable[Params]]


class ConnectionDroppedError(Exception):
    """The call has done its work, but the client shall see a closed connection."""


@dataclass(frozen=True)
class OutboxEntry:
    """One send that a provider accepted."""

    provider: str
    provider_message_id: str
    sender: str
    recipient: str
    content: Params
    tags: Params
    configuration_set: str | None
    request: Params
    received_ms: int = field(default_factory=epoch_ms)

    def document(self) -> Params:
        """Write the entry for `GET /outbox`; bytes as text, or as base64 where they are none."""
        return {**_readable(asdict(self)), "received_at": iso_time(self.received_ms)}


@dataclass(frozen=True)
class Site:
    """What the providers share: the account they are in, the outbox and the way to SNS."""

    region: str
    account_id: str
    publisher: Publisher
    outbox: list[OutboxEntry] = field(default_factory=list)

    def arn(self, service: str, resource: str) -> str:
        """Name a resource of this account."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


class Provider(ABC):
    """One simulated service: its operations by name, on one wire."""

    name: str  # as the outbox has it
    service: str  # as botocore names it

    def __init__(self, site: Site) -> None:
        self.site = site
        self.wire = Wire(self.service)
        self._attempts: Counter[Hashable] = Counter()

    @property
    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""

    @abstractmethod
    def invalid(self, faults: list[Fault]) -> ServiceError:
        """Make the service's error for a request that does not fit its model."""

    @abstractmethod
    def throttled(self) -> ServiceError:
        """Make the service's error for too many requests."""

    @abstractmethod
    def rejected(self) -> ServiceError:
        """Make the service's error for a recipient that it refuses at once."""

    @abstractmethod
    def topics_for(self, event: Params) -> list[str]:
        """List the topics of the event destinations that want an event which a person made."""

    def tolerates(self, fault: Fault, params: Params) -> bool:
        """Say whether a fault is let pass because senders need no set-up here."""
        del fault, params
        return False

    def admit(self, behaviour: Behaviour, message_key: Hashable) -> None:
        """Refuse a send, where its recipient's behaviour or the soak test's dice say so.

        Attempts are counted per message key, anew after each acceptance.
        """
        if behaviour.answer == "rejects":
            raise self.rejected()
        if behaviour.answer == "throttles":
            self._attempts[message_key] += 1
            if self._attempts[message_key] <= THROTTLED_ATTEMPTS:
                raise self.throttled()
            del self._attempts[message_key]
        if self.site.publisher.throttles_now():
            raise self.throttled()

    def script(self, behaviour: Behaviour, message_key: Hashable) -> tuple[Event, ...]:
        """Tell what follows an accepted send; for some recipients every second attempt differs."""
        if behaviour.then is None:
            return behaviour.events
        self._attempts[message_key] += 1
        if self._attempts[message_key] == 1:
            return behaviour.events
        del self._attempts[message_key]
        return behaviour.then


def _readable(value: object) -> Any:  # noqa: ANN401 -- any JSON value comes out
    if isinstance(value, dict):
        return {key: _readable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_readable(member) for member in value]
    if isinstance(value, bytes):
        return _text(value)
    return value


def _text(blob: bytes) -> str:
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return base64.b64encode(blob).decode()
