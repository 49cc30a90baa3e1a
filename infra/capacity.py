"""What a stack's parameters will not keep up with; nothing here imports pulumi.

The figures come from `make bench` and `make scale`; docs/scale.md says how they hang together.
"""

from collections.abc import Iterator

from .settings import Settings

__all__ = ["capacity_warnings"]

# What the senders' functions take: waits for AWS and the provider, and CPU for each message.
_SEND_SECONDS = 0.1
_SEND_SECONDS_PER_MESSAGE = 0.012
_EVENTS_PER_MESSAGE = 2.4
# What one concurrent normalizer applies at its 512 MB, too: a shard needs no second one.
_SHARD_EVENTS_PER_SECOND = 1_000
# How long providers take for most receipts.
_RECEIPT_SECONDS = 10


def capacity_warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each parameter that makes messages wait, or fall back needlessly."""
    windows = settings.relay_batch_window_seconds + settings.stream_batch_window_seconds
    if settings.default_fallback_seconds < windows + _RECEIPT_SECONDS:
        yield (
            f"defaultFallbackSeconds ({settings.default_fallback_seconds}) is shorter than what a "
            f"receipt takes: about {_RECEIPT_SECONDS} s at the provider, and {windows} s of "
            f"relayBatchWindowSeconds and streamBatchWindowSeconds. Fallbacks will go out that "
            f"nobody needs"
        )
    rate = settings.api_throttle_rate
    batch = settings.sender_batch_size
    per_sender = batch / (_SEND_SECONDS + batch * _SEND_SECONDS_PER_MESSAGE)
    sends = round(settings.sender_maximum_concurrency * per_sender)
    if rate > sends:
        yield (
            f"apiThrottleRate ({rate}) is above the about {sends} messages a second that "
            f"senderMaximumConcurrency ({settings.sender_maximum_concurrency}) sends: the rest "
            f"waits on the intake queue"
        )
    if settings.stream_mode == "ON_DEMAND":
        return
    events = round(rate * _EVENTS_PER_MESSAGE)
    shards = settings.stream_shard_count
    if events > shards * _SHARD_EVENTS_PER_SECOND:
        yield (
            f"apiThrottleRate ({rate}) brings about {events} events a second, and "
            f"streamShardCount ({shards}) takes {shards * _SHARD_EVENTS_PER_SECOND}: the rest "
            f"comes again minutes later, and its fallbacks with it"
        )
