"""When events happen, and how they reach the topics: real time, real SNS calls."""

import asyncio
import json
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.simulator.clock import iso_time

logger = logging.getLogger(__name__)

_THREADS = 8
_EVENTS_KEPT = 1000


@dataclass(frozen=True)
class Faults:
    """What a soak test adds to the recipients' behaviour; rates from 0 to 1, drawn by the seed."""

    duplicate_rate: float = 0.0
    drop_rate: float = 0.0
    max_extra_delay_seconds: float = 0.0
    throttle_rate: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class PublishedEvent:
    """One event that happened: `topics` is empty when no deployed event destination wants it."""

    type: str
    provider_message_id: str
    topics: list[str]
    published_at: str


class Publisher:
    """Publishes events to SNS, now or after a delay. Lives on the server's event loop."""

    def __init__(
        self,
        sns_endpoint_url: str,
        region: str,
        account_id: str,
        *,
        time_scale: float = 1.0,
        faults: Faults | None = None,
    ) -> None:
        self._sns = boto3.client(
            "sns",
            endpoint_url=sns_endpoint_url,
            region_name=region,
            # The emulator takes an account's number for the key of that account.
            aws_access_key_id=account_id,
            aws_secret_access_key="simulator",  # noqa: S106 -- no secret: nobody checks it
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                max_pool_connections=_THREADS,
                retries={"total_max_attempts": 3},
            ),
        )
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulator-sns")
        self._time_scale = time_scale
        self._faults = faults or Faults()
        # Determinism is the point here, not secrecy.
        self._random = random.Random(self._faults.seed)  # noqa: S311
        self._timers: set[asyncio.TimerHandle] = set()
        self.published: deque[PublishedEvent] = deque(maxlen=_EVENTS_KEPT)

    def throttles_now(self) -> bool:
        """Say whether the soak test's throttling hits the call at hand."""
        return self._random.random() < self._faults.throttle_rate

    def later(
        self,
        after_seconds: float,
        event_type: str,
        provider_message_id: str,
        build: Callable[[], dict[str, Any]],
        topics: Callable[[], Iterable[str]],
    ) -> None:
        """Publish an event after a delay, to the topics that want it by then.

        `build` makes the event when it happens, so that its times are right.
        """
        copies = 0 if self._random.random() < self._faults.drop_rate else 1
        if copies and self._random.random() < self._faults.duplicate_rate:
            copies = 2
        for _ in range(copies):
            delay = after_seconds * self._time_scale
            delay += self._random.uniform(0, self._faults.max_extra_delay_seconds)
            self._schedule(
                delay, lambda: self._publish(event_type, provider_message_id, build(), topics())
            )

    def _schedule(self, delay_seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(handle)
            action()

        handle = asyncio.get_running_loop().call_later(delay_seconds, run)
        self._timers.add(handle)

    def _publish(
        self, event_type: str, message_id: str, event: dict[str, Any], topics: Iterable[str]
    ) -> None:
        targets = list(topics)
        self.published.append(PublishedEvent(event_type, message_id, targets, iso_time()))
        body = json.dumps(event)
        for topic in targets:
            self._pool.submit(self._deliver, topic, body)

    def _deliver(self, topic_arn: str, body: str) -> None:
        try:
            self._sns.publish(TopicArn=topic_arn, Message=body)
        except (BotoCoreError, ClientError) as error:
            logger.warning("An event could not be published to %s: %s", topic_arn, error)

    async def publish_now(self, topic_arn: str, text: str) -> None:
        """Publish a text and wait for SNS; raises botocore's errors."""

        def publish() -> None:
            self._sns.publish(TopicArn=topic_arn, Message=text)

        await asyncio.get_running_loop().run_in_executor(self._pool, publish)

    async def publish_given(self, event: dict[str, Any] | str, topics: Iterable[str]) -> list[str]:
        """Publish an event that somebody else made, each topic once; return the topics."""
        targets = list(dict.fromkeys(topics))
        text = event if isinstance(event, str) else json.dumps(event)
        for topic in targets:
            await self.publish_now(topic, text)
        type_, message_id = _type_and_id(event if isinstance(event, dict) else {})
        self.published.append(PublishedEvent(type_, message_id, targets, iso_time()))
        return targets

    def stop(self) -> None:
        """Drop what has not happened yet and wait for what is on its way to SNS."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._sns.close()


def _type_and_id(event: dict[str, Any]) -> tuple[str, str]:
    """Name a given event for `GET /events`, as far as its form is known."""
    mail = event.get("mail")
    message_id = mail.get("messageId") if isinstance(mail, dict) else event.get("messageId")
    type_ = event.get("eventType") or event.get("notificationType") or event.get("detail-type")
    return str(type_ or "given"), str(message_id or "")
