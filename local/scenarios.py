"""What the demo plays and the end-to-end tests check: requests, and what must come of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local import scenario_checks
from local.api_client import Answer, ApiClient
from local.email_templates import TABLE_READY
from local.expectation import Expectation, Observation
from local.requests import (
    INVALID_REQUEST,
    RICH_CARD,
    SPECIAL_HTML,
    SPECIAL_SUBJECT,
    SPECIAL_TEXT,
    WHATSAPP_TEMPLATE,
    chain,
    email,
    rcs,
    sms,
    templated_email,
    whatsapp,
    whatsapp_with,
)
from local.scenario_checks import post

Check = Callable[[Observation], Iterator[str]]


@dataclass(frozen=True)
class Scenario:
    """One story. `play` makes its requests; `faults` says what is not as expected, if anything.

    The expectation must hold `limit_seconds` after the first request at the latest, and from
    `watch_seconds` on until the end of the run: a second send or a late event would break it.
    """

    name: str
    title: str
    play: Callable[[ApiClient], list[Answer]]
    expected: Expectation | None
    limit_seconds: float
    watch_seconds: float = 0
    also: Check | None = None

    def faults(self, seen: Observation) -> list[str]:
        """Return a sentence for each thing that is not as expected."""
        faults = list(self.expected.faults(seen)) if self.expected else []
        # A further check may take the documented shape for granted.
        return faults or (list(self.also(seen)) if self.also else [])


SCENARIOS = (
    Scenario(
        "delivered",
        "delivered: no fallback",
        post(chain(email("success+plain@simulator.amazonses.com"), sms("+14254147755"), wait="60")),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
    ),
    Scenario(
        "silent",
        "silent: falls back on time",
        post(chain(email("silent@example.com"), sms("+14254147755"), wait=6)),
        Expectation(
            "delivered",
            ("sent", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(6, 10),
        ),
        limit_seconds=25,
    ),
    Scenario(
        "hard-bounce",
        "hard bounce: does not wait 60 s",
        post(chain(email("bounce+hard@simulator.amazonses.com"), sms("+14254147755"), wait=60)),
        Expectation(
            "delivered",
            ("failed", "delivered"),
            ("email", "sms"),
            fallback="failure",
            fallback_within=(0, 5),
        ),
        limit_seconds=15,
        also=scenario_checks.failure_is_explained,
    ),
    Scenario(
        "rejected",
        "rejected: falls back at once",
        post(chain(sms("+12065550108"), email("success+rejected@example.com"), wait=60)),
        Expectation(
            "delivered",
            ("failed", "delivered"),
            ("email",),
            fallback="failure",
            fallback_within=(0, 5),
        ),
        limit_seconds=15,
        also=scenario_checks.failure_is_explained,
    ),
    Scenario(
        "chain",
        "chain: silence, failure, delivery",
        post(
            chain(
                email("silent+chain@example.com"),
                # Its failure, and not this wait, must start the third step.
                {**whatsapp("+12065550111"), "fallback_seconds": 60},
                sms("+14254147755", "Third time lucky."),
                wait=4,
            )
        ),
        Expectation(
            "delivered",
            ("sent", "failed", "delivered"),
            ("email", "whatsapp", "sms"),
            fallback="failure",
            fallback_within=(4, 12),
        ),
        limit_seconds=30,
    ),
    Scenario(
        "broadcast",
        "broadcast on all channels",
        post(
            {
                "use_case": "broadcast",
                "pc": email("success+all@simulator.amazonses.com"),
                "fc": [sms("+12065550142"), whatsapp("+12065550143")],
            }
        ),
        Expectation(
            "delivered", ("delivered", "delivered", "delivered"), ("email", "sms", "whatsapp")
        ),
        limit_seconds=15,
    ),
    Scenario(
        "late",
        "delivered late: both recorded",
        post(chain(email("late+11@example.com"), sms("+14254147755"), wait=3)),
        Expectation(
            "delivered",
            ("delivered", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(3, 7),
            delivered_late=True,
            delivered_twice=True,
        ),
        limit_seconds=30,
    ),
    Scenario(
        "shuffled",
        "events out of order and twice",
        post(chain(email("shuffled@example.com"), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        watch_seconds=4,
    ),
    Scenario(
        "idempotent",
        "same request twice: one message",
        scenario_checks.post_twice_and_once_differently,
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        also=scenario_checks.one_message_for_the_key,
    ),
    Scenario(
        "cancelled",
        "cancelled before the timer",
        scenario_checks.post_and_cancel,
        Expectation("cancelled", ("sent", "queued"), ("email",)),
        limit_seconds=20,
        watch_seconds=14,
        also=scenario_checks.cancelled_twice,
    ),
    Scenario(
        "characters",
        "& + % newlines accents emoji",
        post(
            {
                "use_case": "blast",
                "pc": email(
                    "success+characters@simulator.amazonses.com",
                    subject=SPECIAL_SUBJECT,
                    text=SPECIAL_TEXT,
                    html=SPECIAL_HTML,
                ),
                "fc": [sms("+12065550144", SPECIAL_TEXT), whatsapp("+12065550145", SPECIAL_TEXT)],
            }
        ),
        Expectation(
            "delivered", ("delivered", "delivered", "delivered"), ("email", "sms", "whatsapp")
        ),
        limit_seconds=15,
        also=scenario_checks.texts_are_unchanged,
    ),
    Scenario(
        "throttled",
        "throttled twice, then accepted",
        post(chain(email("throttled@example.com"), sms("+14254147755"), wait=40)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=25,
        also=scenario_checks.second_attempt_took_a_moment,
    ),
    Scenario(
        "reset",
        "connection lost: not sent twice",
        post(chain(email("reset@example.com"), sms("+14254147755"), wait=20)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=20,
    ),
    Scenario(
        "lost",
        "connection lost, then silence",
        post(chain(email("lost@example.com"), sms("+14254147755"), wait=6)),
        Expectation(
            "delivered",
            ("queued", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(6, 10),
        ),
        limit_seconds=25,
    ),
    Scenario(
        "whatsapp-without-echo",
        "WhatsApp: no echo, wrong order",
        post(chain(whatsapp("+12065550113"), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("whatsapp",)),
        limit_seconds=15,
        watch_seconds=4,
    ),
    Scenario(
        "read",
        "read wanted: delivered too little",
        post(
            chain(
                {
                    **email("success+unread@simulator.amazonses.com"),
                    "success_status": "read",
                    "fallback_seconds": 5,
                },
                {**whatsapp("+12065550104"), "success_status": "read"},
                wait=60,
            )
        ),
        Expectation(
            "read",
            ("delivered", "read"),
            ("email", "whatsapp"),
            fallback="timeout",
            fallback_within=(5, 9),
            delivered_twice=True,
        ),
        limit_seconds=25,
    ),
    Scenario(
        "template-email",
        "template by email",
        post(
            chain(
                templated_email("success+t@example.com", name="Åse", table="12"),
                sms("+14254147755"),
                wait=60,
            )
        ),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        also=scenario_checks.content_is(
            Template={
                "TemplateName": TABLE_READY["TemplateName"],
                "TemplateData": '{"name": "Åse", "table": "12"}',
            }
        ),
    ),
    Scenario(
        "template-sms",
        "text with country template ids",
        post(
            chain(
                sms(
                    "+911234567890",
                    country_parameters={"entity_id": "1101456324", "template_id": "1107158765"},
                ),
                email("success@example.com"),
                wait=60,
            )
        ),
        Expectation("delivered", ("delivered", "queued"), ("sms",)),
        limit_seconds=15,
        also=scenario_checks.content_is(
            DestinationCountryParameters={
                "IN_ENTITY_ID": "1101456324",
                "IN_TEMPLATE_ID": "1107158765",
            }
        ),
    ),
    Scenario(
        "template-whatsapp",
        "template by WhatsApp",
        post(
            chain(
                whatsapp_with("+12065550147", template=WHATSAPP_TEMPLATE),
                sms("+14254147755"),
                wait=60,
            )
        ),
        Expectation("delivered", ("delivered", "queued"), ("whatsapp",)),
        limit_seconds=15,
        also=scenario_checks.content_is(
            type="template", template={**WHATSAPP_TEMPLATE, "language": {"code": "en_US"}}
        ),
    ),
    Scenario(
        "template-rcs",
        "rich card by RCS",
        post(chain(rcs("+12065550148", content=RICH_CARD), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("rcs",)),
        limit_seconds=15,
        also=scenario_checks.content_is(RcsMessageContent=RICH_CARD),
    ),
    Scenario(
        "repaired",
        "WhatsApp window closed: template",
        post(
            chain(
                whatsapp_with(
                    "+12065550112", message="Your table is ready.", template=WHATSAPP_TEMPLATE
                ),
                sms("+14254147755"),
                wait=60,
            )
        ),
        Expectation("delivered", ("failed", "delivered", "queued"), ("whatsapp", "whatsapp")),
        limit_seconds=20,
        also=scenario_checks.repaired_by_template,
    ),
    Scenario(
        "stopped",
        "failure that stops the chain",
        post(
            chain(
                {
                    **email("bounce+stop@simulator.amazonses.com"),
                    "on_failure": {"invalid_address": "stop"},
                },
                sms("+14254147755"),
                wait=5,
            )
        ),
        Expectation("failed", ("failed", "queued"), ("email",)),
        limit_seconds=20,
        # Neither the failure nor the timer may start the next step.
        watch_seconds=9,
        also=scenario_checks.failure_is_explained,
    ),
    Scenario(
        "retried",
        "failure that may pass: same again",
        post(
            chain(
                {**email("recovers@example.com"), "on_failure": {"unreachable": "retry"}},
                sms("+14254147755"),
                wait=60,
            )
        ),
        Expectation("delivered", ("failed", "delivered", "queued", "queued"), ("email", "email")),
        limit_seconds=25,
        also=scenario_checks.same_again_after_5_seconds,
    ),
    Scenario(
        "mms",
        "picture by MMS",
        post(
            chain(
                sms("+12065550149", media_urls=["s3://booking-media/table.png"]),
                email("success@example.com"),
                wait=60,
            )
        ),
        Expectation("delivered", ("delivered", "queued"), ("sms",)),
        limit_seconds=15,
        also=scenario_checks.content_is(MediaUrls=["s3://booking-media/table.png"]),
    ),
    Scenario(
        "rcs-read",
        "RCS: read before delivered",
        post(
            chain({**rcs("+12065550193"), "success_status": "read"}, sms("+14254147755"), wait=60)
        ),
        Expectation("read", ("read", "queued"), ("rcs",)),
        limit_seconds=15,
        also=scenario_checks.read_before_delivered,
    ),
    Scenario(
        "rcs-to-sms",
        "RCS that falls back to SMS",
        post(chain(rcs("+12065550192"), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("rcs",)),
        limit_seconds=15,
    ),
    Scenario(
        "copies",
        "the copy bounces, not the mail",
        post(
            chain(
                email(
                    "success+copies@simulator.amazonses.com",
                    cc=["bounce+cc@simulator.amazonses.com"],
                    bcc=["complaint+bcc@simulator.amazonses.com"],
                ),
                sms("+14254147755"),
                wait=60,
            )
        ),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        # The complaint comes last.
        watch_seconds=4,
    ),
    Scenario(
        "invalid",
        "invalid: all faults at once",
        post(INVALID_REQUEST),
        None,
        limit_seconds=10,
        also=scenario_checks.every_fault_is_named,
    ),
)
