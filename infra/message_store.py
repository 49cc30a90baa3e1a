"""The three tables: status rows, contents, and the ids that providers give to messages."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

__all__ = ["MessageStore", "MessageStoreArgs", "TableArgs"]


class TableArgs(TypedDict):
    """The tables, as arguments of the components whose functions use them."""

    messages_table_name: pulumi.Input[str]
    messages_table_arn: pulumi.Input[str]
    payloads_table_name: pulumi.Input[str]
    payloads_table_arn: pulumi.Input[str]
    provider_message_ids_table_name: pulumi.Input[str]
    provider_message_ids_table_arn: pulumi.Input[str]


class MessageStoreArgs(TypedDict):
    """Arguments of `MessageStore`. `protect` keeps the tables, also when the stack goes."""

    kms_key_arn: pulumi.Input[str]
    protect: bool
    tags: dict[str, str]


class MessageStore(pulumi.ComponentResource):
    """Keep what is known of messages, and for how long it is needed, their content.

    Contents are a table of their own, so that who may read a status may not read a mail. It has no
    backups: they would keep for 35 days what is deleted as soon as it is not needed.
    """

    messages_table_name: pulumi.Output[str]
    messages_table_arn: pulumi.Output[str]
    payloads_table_name: pulumi.Output[str]
    payloads_table_arn: pulumi.Output[str]
    provider_message_ids_table_name: pulumi.Output[str]
    provider_message_ids_table_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: MessageStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:MessageStore", name, {}, opts)
        messages = _table(f"{name}-messages", "message_id", args, self)
        payloads = _table(f"{name}-payloads", "message_id", args, self, backed_up=False)
        provider_ids = _table(f"{name}-provider-message-ids", "provider_message_id", args, self)
        self.messages_table_name = messages.name
        self.messages_table_arn = messages.arn
        self.payloads_table_name = payloads.name
        self.payloads_table_arn = payloads.arn
        self.provider_message_ids_table_name = provider_ids.name
        self.provider_message_ids_table_arn = provider_ids.arn
        self.register_outputs(
            {
                "messages_table_name": self.messages_table_name,
                "messages_table_arn": self.messages_table_arn,
                "payloads_table_name": self.payloads_table_name,
                "payloads_table_arn": self.payloads_table_arn,
                "provider_message_ids_table_name": self.provider_message_ids_table_name,
                "provider_message_ids_table_arn": self.provider_message_ids_table_arn,
            }
        )


def _table(
    name: str,
    hash_key: str,
    args: MessageStoreArgs,
    parent: pulumi.Resource,
    *,
    backed_up: bool = True,
) -> aws.dynamodb.Table:
    return aws.dynamodb.Table(
        name,
        hash_key=hash_key,
        attributes=[{"name": hash_key, "type": "S"}],
        billing_mode="PAY_PER_REQUEST",
        ttl={"attribute_name": "expires_at", "enabled": True},
        point_in_time_recovery={"enabled": backed_up},
        server_side_encryption={"enabled": True, "kms_key_arn": args["kms_key_arn"]},
        deletion_protection_enabled=args["protect"],
        tags=args["tags"],
        opts=pulumi.ResourceOptions(
            parent=parent, protect=args["protect"], retain_on_delete=args["protect"]
        ),
    )
