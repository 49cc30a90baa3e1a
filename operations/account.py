"""What AWS lets the account do: new accounts start with less than a stack needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.stack import Stack

# Below it, the senders' default concurrency on two queues, relay, normalizer and API do not fit.
_ENOUGH_CONCURRENCY: Final = 100


@dataclass(frozen=True)
class Allowance:
    """One thing that AWS limits, in words; `is_low` where the account is a new one in it."""

    text: str
    is_low: bool

    def __str__(self) -> str:
        return f"{'low' if self.is_low else 'ok '}  {self.text}"


def allowances(stack: Stack) -> Iterator[Allowance]:
    """Read what the account may do; what cannot be read is said and counts as no fault."""
    readers: tuple[tuple[str, Callable[[Stack], Iterator[Allowance]]], ...] = (
        ("Lambda", _concurrency),
        ("SES", _mail),
        ("SMS", _texts),
        ("SMS spend limits", _spending),
    )
    for name, read in readers:
        try:
            yield from list(read(stack))
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
            yield Allowance(f"{name}: not readable ({code})", is_low=False)


def _concurrency(stack: Stack) -> Iterator[Allowance]:
    limit = stack.client("lambda").get_account_settings()["AccountLimit"]
    most = int(limit["ConcurrentExecutions"])
    text = f"Lambda: {most} executions at once in the Region (quota L-B99A9384)"
    yield Allowance(text, is_low=most < _ENOUGH_CONCURRENCY)


def _mail(stack: Stack) -> Iterator[Allowance]:
    account = stack.client("sesv2").get_account()
    quota = account["SendQuota"]
    rate = f"{quota['MaxSendRate']:g} mails a second, {quota['Max24HourSend']:g} a day"
    production = bool(account["ProductionAccessEnabled"])
    where = "production" if production else "sandbox, verified recipients only"
    yield Allowance(f"SES: {where}, {rate}", is_low=not production)
    if not account["SendingEnabled"]:
        state = account.get("EnforcementStatus", "unknown")
        yield Allowance(f"SES: sending is switched off for the account ({state})", is_low=True)


def _texts(stack: Stack) -> Iterator[Allowance]:
    client = stack.client("pinpoint-sms-voice-v2")
    for attribute in client.describe_account_attributes()["AccountAttributes"]:
        if attribute["Name"] == "ACCOUNT_TIER":
            sandbox = attribute["Value"] == "SANDBOX"
            where = "sandbox, verified and simulator recipients only" if sandbox else "production"
            yield Allowance(f"SMS: {where}", is_low=sandbox)


def _spending(stack: Stack) -> Iterator[Allowance]:
    client = stack.client("pinpoint-sms-voice-v2")
    for limit in client.describe_spend_limits()["SpendLimits"]:
        if limit["Name"] in ("TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "RCS_MESSAGE_MONTHLY_SPEND_LIMIT"):
            kind = limit["Name"].partition("_")[0]
            dollars = int(limit["EnforcedLimit"])
            # What a new account has.
            yield Allowance(f"{kind} spending: ${dollars} a month", is_low=dollars <= 1)
