"""Rules on what is kept, how, and for how long."""

from collections.abc import Iterator, Mapping, Sequence

from .resource import (
    UNKNOWN,
    Resource,
    Rule,
    Statement,
    Violation,
    can_be_among,
    of_kind,
    statements,
)

__all__ = ["RULES"]

# What must be set for a kind to be encrypted with a customer-managed key.
_ENCRYPTION: Mapping[str, tuple[str, ...]] = {
    "Queue": ("kmsMasterKeyId",),
    "Topic": ("kmsMasterKeyId",),
    "Stream": ("encryptionType", "kmsKeyId"),
    "Table": ("serverSideEncryption.enabled", "serverSideEncryption.kmsKeyArn"),
    "Key": ("enableKeyRotation",),
    "Function": ("kmsKeyArn",),
}
# What API Gateway can put into an access log, of the things that belong to the client.
_PRIVATE = ("body", "header", "querystring", "identity.apikey}", "authorizer")
_TAGGABLE = {
    *("ApiKey", "RestApi", "Stage", "UsagePlan", "LogGroup", "MetricAlarm", "Table", "Role"),
    *("Stream", "Key", "EventSourceMapping", "Function", "Topic", "Queue", "WebAcl"),
    *("ConfigurationSet", "Smsvoicev2ConfigurationSet"),
}


def connections_are_encrypted(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Queues and topics refuse plain-text connections."""
    for kind, policy_kind, link, key in (
        ("Queue", "QueuePolicy", "queueUrl", "url"),
        ("Topic", "TopicPolicy", "arn", "arn"),
    ):
        refusing = {
            policy.get(link)
            for policy in of_kind(resources, policy_kind)
            if policy.get("policy") is UNKNOWN or any(map(_refuses_plain_text, statements(policy)))
        }
        for resource in of_kind(resources, kind):
            if not can_be_among(resource.get(key), refusing):
                yield Violation(resource, "takes plain-text connections")


def data_is_encrypted(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Queues, topics, streams, tables and environments have a key of the stack, which rotates."""
    for kind, paths in _ENCRYPTION.items():
        for resource in of_kind(resources, kind):
            for path in paths:
                if resource.get(path) in (None, "", False, "NONE"):
                    yield Violation(resource, f"{path} is not set")


def logs_expire(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Log groups have a retention, and functions write to such a group."""
    groups = of_kind(resources, "LogGroup")
    for group in groups:
        if not group.get("retentionInDays"):
            yield Violation(group, "keeps its logs for ever")
    names = {group.get("name") for group in groups}
    for function in of_kind(resources, "Function"):
        group_name = function.get("loggingConfig.logGroup")
        if not group_name or not can_be_among(group_name, names):
            yield Violation(function, "logs to a group of Lambda's own, which keeps logs for ever")


def bodies_are_not_logged(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Nothing that is logged has contents, addresses or keys."""
    for settings in of_kind(resources, "MethodSettings"):
        if settings.get("settings.dataTraceEnabled") is True:
            yield Violation(settings, "data traces write whole bodies to the logs")
    for stage in of_kind(resources, "Stage"):
        log_format = str(stage.get("accessLogSettings.format") or "").lower()
        for word in _PRIVATE:
            if word in log_format:
                yield Violation(stage, f"the access log has {word}")
    for function in of_kind(resources, "Function"):
        logs_events = function.get("environment.variables.POWERTOOLS_LOGGER_LOG_EVENT")
        if str(logs_events).lower() in ("1", "true"):
            yield Violation(function, "logs its whole events")
    for acl in of_kind(resources, "WebAcl"):
        if acl.get("visibilityConfig.sampledRequestsEnabled") is True:
            yield Violation(acl, "keeps samples of requests, with the clients' keys")


def everything_is_tagged(resources: Sequence[Resource]) -> Iterator[Violation]:
    """What can be tagged is."""
    for resource in of_kind(resources, *_TAGGABLE):
        if not resource.get("tags"):
            yield Violation(resource, "has no tags")


def _refuses_plain_text(statement: Statement) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") == "*"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


RULES: tuple[Rule, ...] = (
    connections_are_encrypted,
    data_is_encrypted,
    logs_expire,
    bodies_are_not_logged,
    everything_is_tagged,
)
