"""The settings of one stack: the table of parameters.

`parameter_layers.py` reads them; `contradictions.py` says what must hold between them.
Nothing here imports pulumi.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from . import parameters
from .parameters import Parameter

__all__ = [
    "DEAD_LETTER_RETENTION_DAYS",
    "PARAMETERS",
    "SENDER_TIMEOUT_SECONDS",
    "Settings",
    "SettingsError",
]

SENDER_TIMEOUT_SECONDS = 30
# The longest that SQS keeps a message.
DEAD_LETTER_RETENTION_DAYS = 14

# What CloudWatch Logs accepts as retention.
_LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_CONFIGURATION_SET = r"[A-Za-z0-9_-]{0,64}"
_CONFIGURATION_SET_FORM = "up to 64 letters, digits, hyphens and underscores"
# End User Messaging: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/
# API_CreateConfigurationSet.html
_SMS_CONFIGURATION_SET = r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})?"
_SMS_CONFIGURATION_SET_FORM = f"{_CONFIGURATION_SET_FORM}, starting with a letter or digit"
_WABA = r"waba-[0-9a-f]{32}|arn:aws[a-z-]*:social-messaging:[a-z0-9-]+:\d{12}:waba/[0-9a-zA-Z]+"
_PHONE_NUMBER_ID = (
    r"phone-number-id-[0-9a-f]{32}"
    r"|arn:aws[a-z-]*:social-messaging:[a-z0-9-]+:\d{12}:phone-number-id/[0-9a-zA-Z]+"
)
_PHONE_NUMBER_ID_FORM = "phone-number-id-<32 hexadecimal digits>, or the ARN"


class SettingsError(Exception):
    """The parameters of a stack cannot be used; `problems` has one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{count} in the parameters:{lines}")


@dataclass(frozen=True)
class Settings:
    """The checked parameters of one stack; each field declares one row of the parameter table."""

    name_prefix: str = parameters.text(
        "CdkBackendStack",
        "FallbackMessagingService",
        "Prefix of the names of all resources.",
        pattern=r"[A-Za-z][A-Za-z0-9-]{0,26}",
        limit="1 to 27 letters, digits and hyphens, starting with a letter: an IAM role's name has "
        "at most 64 characters and the program adds up to 37",
    )
    tags: Mapping[str, str] = parameters.text_map(
        "tags",
        "Tags of every resource that can be tagged; an environment's tags add to these.",
        key_pattern=r"(?!aws:)[\w\s.:/=+@-]{1,128}",
        pattern=r"[\w\s.:/=+@-]{0,256}",
        limit="letters, digits, spaces and _.:/=+@-, keys up to 128 characters and not starting "
        "with aws:, values up to 256",
        merged=True,
    )
    authorization: str = parameters.text(
        "authorization",
        "API_KEY",
        "Who may call the API: holders of the stack's API key, or IAM principals that sign.",
        choices=("API_KEY", "IAM"),
    )
    api_throttle_rate: int = parameters.integer(
        "apiThrottleRate",
        50,
        "Requests per second that the API takes before it answers 429.",
        minimum=1,
        maximum=10_000,
        limit="API Gateway allows an account 10000 per second in a Region by default",
    )
    api_throttle_burst: int = parameters.integer(
        "apiThrottleBurst",
        100,
        "Requests that the API takes at once, above the rate.",
        minimum=1,
        maximum=5_000,
        limit="API Gateway allows an account bursts of 5000 by default",
    )
    api_clients: tuple[str, ...] = parameters.text_list(
        "apiClients",
        "Names of the clients that get an API key each. Not used with IAM authorization.",
        pattern=r"[a-z][a-z0-9-]{0,30}",
        limit="up to 31 lower-case letters, digits and hyphens, starting with a letter",
        default=("default",),
    )
    api_client_throttle_rate: int = parameters.integer(
        "apiClientThrottleRate",
        0,
        "Requests per second of one client before it is answered 429; 0 is the API's rate.",
        minimum=0,
        maximum=10_000,
    )
    api_client_throttle_burst: int = parameters.integer(
        "apiClientThrottleBurst",
        0,
        "Requests of one client at once, above its rate; 0 is the API's burst.",
        minimum=0,
        maximum=5_000,
    )
    api_quota_per_day: int = parameters.integer(
        "apiQuotaPerDay",
        0,
        "Requests per day of one client; 0 is no quota. Not used with IAM authorization.",
        minimum=0,
        maximum=2_000_000_000,
    )
    api_base_url: str = parameters.text(
        "apiBaseUrl",
        "",
        "Public base URL of the API, when a custom domain is in front of it.",
        pattern=r"(https?://[^\s?#]*[^\s?#/])?",
        limit="an http or https URL that does not end in a slash",
    )
    allowed_cidrs: tuple[str, ...] = parameters.text_list(
        "allowedCidrs",
        "Networks that the API may be called from, like `203.0.113.0/24`; none is everywhere.",
        pattern=r"\d{1,3}(\.\d{1,3}){3}/\d{1,2}|[0-9a-fA-F:]+/\d{1,3}",
        limit="an IPv4 or IPv6 network in CIDR form",
    )
    waf_rate_limit: int = parameters.integer(
        "wafRateLimit",
        0,
        "Requests of one address within five minutes before a web ACL refuses it; 0 is no web ACL.",
        maximum=2_000_000_000,
        least=10,
        limit="AWS WAF counts from 10",
    )
    access_logs: bool = parameters.boolean(
        "accessLogs",
        default=True,
        description="Log who calls the API, without bodies.",
    )
    create_api_gateway_log_role: bool = parameters.boolean(
        "createApiGatewayLogRole",
        default=True,
        description="Set the role by which API Gateway writes access logs. It is one setting for "
        "the account and Region, and stays when the stack goes: false where it is set already.",
    )
    allowed_senders: tuple[str, ...] = parameters.text_list(
        "allowedSenders",
        "Senders that requests may name, as they name them, or `@example.com` for all of a domain; "
        "none is every sender that the account has.",
        pattern=r"\S+",
        limit="a sender without spaces: an address, a number, an id or an ARN",
    )
    allowed_country_prefixes: tuple[str, ...] = parameters.text_list(
        "allowedCountryPrefixes",
        "Beginnings of the numbers that may be written to, like `+1`; none is every country.",
        pattern=r"\+[1-9]\d{0,6}",
        limit="a plus sign and one to seven digits",
    )
    allowed_configuration_sets: tuple[str, ...] = parameters.text_list(
        "allowedConfigurationSets",
        "Configuration sets of SES and SMS that requests may name beside the stack's own, and "
        "that identities have by default where the stack has none.",
        pattern=r"[A-Za-z0-9_-]{1,64}",
        limit=_CONFIGURATION_SET_FORM,
    )
    allowed_protect_configurations: tuple[str, ...] = parameters.text_list(
        "allowedProtectConfigurations",
        "Protect configurations of SMS that requests may name, by the id or ARN they name; none "
        "leaves the account's own in force.",
        pattern=r"[A-Za-z0-9_:/-]{1,256}",
        limit="the id or ARN of a protect configuration",
    )
    messages_per_recipient_per_hour: int = parameters.integer(
        "messagesPerRecipientPerHour",
        0,
        "Messages that one recipient may be sent within an hour of the clock, on all channels, "
        "retries and repairs too; 0 is no limit.",
        minimum=0,
        maximum=10_000,
    )
    default_fallback_seconds: int = parameters.integer(
        "defaultFallbackSeconds",
        300,
        "How long a step may stay silent before the next one is sent, unless the request says.",
        minimum=0,
        maximum=86_400,
        limit="a step waits a day at most",
    )
    outcome_wait_seconds: int = parameters.integer(
        "outcomeWaitSeconds",
        3_600,
        "How long the last step may stay without a receipt before its status reads `unknown`.",
        minimum=60,
        maximum=259_200,
        limit="carriers send SMS receipts for up to 72 hours",
    )
    retention_days: int = parameters.integer(
        "retentionDays",
        30,
        "How long the status of a message can be asked for; at least until 14 days after its end, "
        "while a dead letter can act on it.",
        minimum=7,
        maximum=3_650,
        limit="the longest chain, five steps of a day each, must end while its row exists",
    )
    protect_data: bool = parameters.boolean(
        "protectData",
        default=False,
        description="Protect the tables and the encryption key from deletion, and keep them when "
        "the stack goes.",
    )
    kms_key_arn: str = parameters.arn(
        "kmsKeyArn",
        "KMS key to encrypt with; none creates one. Its policy must let the event services use it.",
        service="kms",
        resource=r"key/[a-z0-9-]+",
    )
    events_topic_arn: str = parameters.arn(
        "eventsTopicArn",
        "SNS topic that delivery events come to; none creates one. Its policy must let the event "
        "services publish.",
        service="sns",
        resource=r"[A-Za-z0-9_-]{1,256}",
    )
    subnet_ids: tuple[str, ...] = parameters.text_list(
        "subnetIds",
        "Subnets of a VPC that the functions run in; none is no VPC. They need a way to AWS's "
        "endpoints.",
        pattern=r"subnet-[0-9a-f]+",
        limit="subnet-<hexadecimal digits>",
        adopted=True,
    )
    security_group_ids: tuple[str, ...] = parameters.text_list(
        "securityGroupIds",
        "Security groups of the functions in these subnets.",
        pattern=r"sg-[0-9a-f]+",
        limit="sg-<hexadecimal digits>",
        adopted=True,
    )
    visibility_timeout_seconds: int = parameters.integer(
        "SqsVisibilityTimeout",
        300,
        "How long SQS hides a message that a sender works on.",
        minimum=6 * SENDER_TIMEOUT_SECONDS,
        maximum=43_200,
        limit="AWS asks for six times the timeout of the function, which is "
        f"{SENDER_TIMEOUT_SECONDS} s, and SQS allows 12 hours",
    )
    queue_retention_days: int = parameters.integer(
        "queueRetentionDays",
        4,
        "How long a message waits on a queue before it is lost; dead letters wait 14 days.",
        minimum=1,
        maximum=DEAD_LETTER_RETENTION_DAYS - 1,
        limit="a dead letter keeps its age, so its queue must keep messages longer than the "
        "source, and SQS keeps them 14 days at most",
    )
    claim_lease_seconds: int = parameters.integer(
        "claimLeaseSeconds",
        60,
        "After how long a step whose sender has stopped may be taken over.",
        minimum=SENDER_TIMEOUT_SECONDS + 1,
        maximum=43_199,
        limit=f"longer than the sender can run, which is {SENDER_TIMEOUT_SECONDS} s",
    )
    sender_batch_size: int = parameters.integer(
        "senderBatchSize",
        10,
        "Messages that one sender invocation takes, and sends at the same time.",
        minimum=1,
        maximum=10,
        limit="without a batching window, SQS hands over 10 messages at most",
    )
    sender_maximum_concurrency: int = parameters.integer(
        "senderMaximumConcurrency",
        10,
        "Sender invocations at the same time, per queue: keep it below what the providers take.",
        minimum=2,
        maximum=1_000,
        limit="the range of MaximumConcurrency",
    )
    relay_batch_size: int = parameters.integer(
        "relayBatchSize",
        500,
        "Events that one relay invocation takes from its queue.",
        minimum=1,
        maximum=500,
        limit="one PutRecords call takes 500 records",
    )
    relay_batch_window_seconds: int = parameters.integer(
        "relayBatchWindowSeconds",
        1,
        "How long the relay waits for its batch to fill.",
        minimum=0,
        maximum=300,
        limit="the range of MaximumBatchingWindowInSeconds",
    )
    stream_mode: str = parameters.text(
        "streamMode",
        "PROVISIONED",
        "How the Kinesis stream is billed: per shard, or on demand.",
        choices=("PROVISIONED", "ON_DEMAND"),
    )
    stream_shard_count: int = parameters.integer(
        "streamShardCount",
        1,
        "Shards of a provisioned stream; each takes 1,000 events and 1 MiB per second. One update "
        "can at most double or halve them.",
        minimum=1,
        maximum=500,
        limit="AWS allows 200 to 500 shards per account and Region by default, and changes the "
        "number of a stream to at most the double and at least the half at a time",
    )
    stream_retention_hours: int = parameters.integer(
        "streamRetentionHours",
        24,
        "How long the stream keeps an event.",
        minimum=24,
        maximum=8_760,
        limit="Kinesis keeps records between a day and a year",
    )
    stream_batch_size: int = parameters.integer(
        "streamBatchSize",
        1_000,
        "Events that one normalizer invocation takes from a shard.",
        minimum=1,
        maximum=10_000,
        limit="the range of BatchSize for Kinesis",
    )
    stream_batch_window_seconds: int = parameters.integer(
        "streamBatchWindowSeconds",
        1,
        "How long the normalizer waits for its batch to fill.",
        minimum=0,
        maximum=300,
        limit="the range of MaximumBatchingWindowInSeconds",
    )
    stream_parallelization: int = parameters.integer(
        "streamParallelization",
        1,
        "Normalizer invocations at the same time, per shard.",
        minimum=1,
        maximum=10,
        limit="the range of ParallelizationFactor",
    )
    ses_config_set_name: str = parameters.text(
        "sesConfigSetName",
        "",
        "SES configuration set of mails whose request names none; one that is created is named for "
        "the stack by default.",
        pattern=_CONFIGURATION_SET,
        limit=_CONFIGURATION_SET_FORM,
        synonyms=("configSetName",),
    )
    create_ses_config_set: bool = parameters.boolean(
        "createSESConfigSet",
        default=True,
        description="Create that SES configuration set; false when it exists already.",
    )
    attach_ses_event_destination: bool = parameters.boolean(
        "attachSESEventDestination",
        default=False,
        description="Add the stack's event destination to an SES configuration set that exists.",
    )
    ses_engagement_events: bool = parameters.boolean(
        "sesEngagementEvents",
        default=False,
        description="Have SES report opened mails and clicked links. It then puts a pixel into "
        "HTML mails and leads their links over a domain of AWS's; this may need the recipients' "
        "consent. Without it, a mail is never `read`.",
    )
    ses_tracking_domain: str = parameters.text(
        "sesTrackingDomain",
        "",
        "Domain of yours, prepared as SES's guide says, that pixel and links use in place of "
        "AWS's.",
        pattern=r"([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?",
        limit="a domain",
    )
    ses_identities: tuple[str, ...] = parameters.text_list(
        "sesIdentities",
        "SES identities (domains or addresses) that mail may be sent from; none is all of them.",
        pattern=r"[^\s@]+@[^\s@]+\.[^\s@]+|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        limit="a domain or an e-mail address",
    )
    sms_config_set_name: str = parameters.text(
        "smsConfigSetName",
        "",
        "SMS configuration set of texts whose request names none; one that is created is named for "
        "the stack by default.",
        pattern=_SMS_CONFIGURATION_SET,
        limit=_SMS_CONFIGURATION_SET_FORM,
    )
    create_sms_config_set: bool = parameters.boolean(
        "createSMSConfigSet",
        default=True,
        description="Create that SMS configuration set; false when it exists already.",
    )
    attach_sms_event_destination: bool = parameters.boolean(
        "attachSMSEventDestination",
        default=False,
        description="Add the stack's event destination to an SMS configuration set that exists.",
    )
    sms_origination_identities: tuple[str, ...] = parameters.text_list(
        "smsOriginationIdentities",
        "ARNs of the phone numbers, pools, sender ids and RCS agents that texts may be sent from; "
        "none is all of the account's in this Region.",
        pattern=r"arn:aws[a-z-]*:sms-voice:[a-z0-9-]+:\d{12}:"
        r"(phone-number|pool|sender-id|rcs-agent)/\S+",
        limit="the ARN of an End User Messaging phone number, pool, sender id or RCS agent",
    )
    sms_require_handset_receipt: bool = parameters.boolean(
        "smsRequireHandsetReceipt",
        default=False,
        description="Count a text as delivered only by the handset's receipt, not the carrier's. "
        "Many carriers send none.",
    )
    sms_max_price: str = parameters.text(
        "smsMaxPrice",
        "",
        "The most that one part of a text, MMS or RCS message may cost, in US dollars, like "
        "`0.05`, whatever a request says; none is no limit.",
        pattern=r"([0-9]{0,2}\.[0-9]{1,5})?",
        limit="a price with a point, up to two digits before it and five after",
    )
    whats_app_business_account_ids: tuple[str, ...] = parameters.text_list(
        "whatsAppBusinessAccountIds",
        "WhatsApp Business Accounts whose event destination becomes the stack's topic.",
        pattern=_WABA,
        limit="waba-<32 hexadecimal digits>, or the ARN",
    )
    whats_app_phone_number_ids: tuple[str, ...] = parameters.text_list(
        "whatsAppPhoneNumberIds",
        "WhatsApp phone numbers that may be sent from; none is all of the account's in this "
        "Region.",
        pattern=_PHONE_NUMBER_ID,
        limit=_PHONE_NUMBER_ID_FORM,
    )
    whats_app_phone_numbers: Mapping[str, str] = parameters.text_map(
        "whatsAppPhoneNumbers",
        "Phone number ids by the E.164 numbers that requests may name as WhatsApp senders instead.",
        key_pattern=r"\+[1-9]\d{6,14}",
        pattern=_PHONE_NUMBER_ID,
        limit=f"an E.164 number as the key; {_PHONE_NUMBER_ID_FORM} as the value",
    )
    meta_api_version: str = parameters.text(
        "metaApiVersion",
        "v24.0",
        "Version of Meta's Cloud API that WhatsApp messages are written for. Versions expire.",
        pattern=r"v[2-9]\d\.\d",
        limit="vN.0; AWS takes version 20 and later",
    )
    alarm_email: str = parameters.text(
        "alarmEmail",
        "",
        "Address that alarms are mailed to; none leaves them on the dashboard only.",
        # Whatever is under these names is mailed to nobody.
        pattern=r"((?!.*[@.]example(\.(com|org|net))?$)[^\s@]+@[^\s@]+\.[^\s@]+)?",
        limit="an e-mail address that somebody reads, not a placeholder at example.com, "
        "example.org, example.net or under .example",
    )
    alarm_topic_arn: str = parameters.arn(
        "alarmTopicArn",
        "SNS topic that alarms go to; none creates one where there is an alarmEmail. Its policy "
        "must let CloudWatch publish.",
        service="sns",
        resource=r"[A-Za-z0-9_-]{1,256}",
    )
    fallback_rate_alarm_percent: int = parameters.integer(
        "fallbackRateAlarmPercent",
        50,
        "Share of messages that need a fallback, within an hour, above which the alarm goes off.",
        minimum=1,
        maximum=100,
    )
    log_retention_days: int = parameters.integer(
        "logRetentionDays",
        30,
        "How long logs are kept.",
        choices=_LOG_RETENTION_DAYS,
        limit="what CloudWatch Logs accepts",
    )
    log_level: str = parameters.text(
        "logLevel",
        "INFO",
        "Log level of the functions.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    )
    tracing: bool = parameters.boolean(
        "tracing",
        default=False,
        description="Trace requests with X-Ray.",
    )
    powertools_layer_arn: str = parameters.text(
        "powertoolsLayerArn",
        "",
        "Lambda layer with Powertools for Python 3.13 on arm64; none is AWS's public one.",
        pattern=r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+)?",
        limit="the ARN of a Lambda layer version",
    )


def _table() -> dict[str, Parameter]:
    return {field.name: field.metadata["parameter"] for field in fields(Settings)}


# The parameters by the name of their field in `Settings`.
PARAMETERS: Mapping[str, Parameter] = _table()
