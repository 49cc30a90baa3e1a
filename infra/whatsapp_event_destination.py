"""The event destination of a WhatsApp Business Account, which no Pulumi provider manages.

A dynamic resource over boto3. An account has room for ONE destination, so this one reads before it
writes, refuses to replace somebody else's, and takes away only what is its own.
"""

from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

__all__ = [
    "DestinationTakenError",
    "WhatsAppEventDestination",
    "WhatsAppEventDestinationProvider",
    "WrongAccountError",
]


class DestinationTakenError(Exception):
    """The account already sends its events somewhere else."""

    def __init__(self, business_account_id: str, taken_by: str) -> None:
        super().__init__(
            f"WhatsApp Business Account {business_account_id} already sends its events to "
            f"{taken_by}, and has room for one destination. Remove that one first, or leave the "
            f"account out of whatsAppBusinessAccountIds."
        )


class WrongAccountError(Exception):
    """The credentials are of another AWS account than the stack's."""

    def __init__(self, account_id: str, expected: str) -> None:
        super().__init__(
            f"WhatsApp's event destination would be set in the AWS account {account_id}, and the "
            f"stack is in {expected}: it takes its credentials from the environment or from "
            f"aws:profile, not from other settings of the AWS provider."
        )


class WhatsAppEventDestinationProvider(ResourceProvider):
    """Create, read, move and remove the destination, by the socialmessaging API.

    Properties: business_account_id (as AWS names it, `waba-...`, or its ARN), topic_arn, region,
    account_id. Credentials are boto3's own: the environment, or the profile in `aws:profile`.
    """

    # It captures no secret, and an unreadable state would hide every later change of it.
    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._profile: str | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Take the profile that the stack's AWS provider uses too."""
        self._profile = req.config.get("aws:profile")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse in a preview already what `create` and `update` would refuse.

        A topic that is not known yet does not exist yet, and cannot be the destination.
        """
        failures = []
        if UNKNOWN not in (news["business_account_id"], news["region"], news["account_id"]):
            ours = [props["topic_arn"] for props in (_olds, news) if "topic_arn" in props]
            try:
                self._allowed(news, ours)
            except DestinationTakenError as error:
                failures.append(CheckFailure("business_account_id", str(error)))
            except WrongAccountError as error:
                failures.append(CheckFailure("account_id", str(error)))
            except Exception:  # noqa: BLE001, S110  a preview needs no access: `create` says it
                pass
        return CheckResult(news, failures)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Set the destination; raises DestinationTakenError if another one is set."""
        self._set(props, ours=[props["topic_arn"]])
        return CreateResult(props["business_account_id"], dict(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Report the destination as gone if it, or the whole account, is no longer ours."""
        if self._current_if_linked(props) != props["topic_arn"]:
            return ReadResult("", {})
        return ReadResult(id_, props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Move the destination for another topic; start anew for another account or Region."""
        changed = [
            key
            for key in ("business_account_id", "region", "account_id", "topic_arn")
            if _olds.get(key) != _news.get(key)
        ]
        replaces = [key for key in changed if key != "topic_arn"]
        # The new one can be another spelling of the same account: free its only place first.
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Point the destination at the new topic, if it still points at the old one or nowhere."""
        self._set(_news, ours=[_olds["topic_arn"], _news["topic_arn"]])
        return UpdateResult(dict(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the destination, if it is still ours."""
        if self._current_if_linked(_props) == _props["topic_arn"]:
            self._put(_props, [])

    def _set(self, props: dict[str, Any], ours: list[str]) -> None:
        if self._allowed(props, ours) != props["topic_arn"]:
            self._put(props, [props["topic_arn"]])

    def _allowed(self, props: dict[str, Any], ours: list[str]) -> str | None:
        """Return the current destination; raise if it may not become another one."""
        account_id = self._client("sts", props["region"]).get_caller_identity()["Account"]
        if account_id != props["account_id"]:
            raise WrongAccountError(account_id, props["account_id"])
        current = self._current(props)
        if current is not None and current not in (*ours, props["topic_arn"]):
            raise DestinationTakenError(props["business_account_id"], current)
        return current

    def _current(self, props: dict[str, Any]) -> str | None:
        client = self._client("socialmessaging", props["region"])
        answer = client.get_linked_whatsapp_business_account(id=props["business_account_id"])
        destinations = answer["account"]["eventDestinations"]
        return destinations[0]["eventDestinationArn"] if destinations else None

    def _current_if_linked(self, props: dict[str, Any]) -> str | None:
        client = self._client("socialmessaging", props["region"])
        try:
            return self._current(props)
        except client.exceptions.ResourceNotFoundException:
            return None

    def _put(self, props: dict[str, Any], topic_arns: list[str]) -> None:
        self._client(
            "socialmessaging", props["region"]
        ).put_whatsapp_business_account_event_destinations(
            id=props["business_account_id"],
            eventDestinations=[{"eventDestinationArn": arn} for arn in topic_arns],
        )

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401  made at run time
        # Imported where it is used: only the provider's own process needs it.
        import boto3  # noqa: PLC0415

        session: Any = boto3.Session(profile_name=self._profile)
        return session.client(service, region_name=region)


class WhatsAppEventDestination(Resource, module="whatsapp", name="EventDestination"):
    """The one event destination of a WhatsApp Business Account, as a Pulumi resource."""

    business_account_id: pulumi.Output[str]
    topic_arn: pulumi.Output[str]
    region: pulumi.Output[str]
    account_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        business_account_id: pulumi.Input[str],
        topic_arn: pulumi.Input[str],
        region: pulumi.Input[str],
        account_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            WhatsAppEventDestinationProvider(),
            name,
            {
                "business_account_id": business_account_id,
                "topic_arn": topic_arn,
                "region": region,
                "account_id": account_id,
            },
            opts,
        )
