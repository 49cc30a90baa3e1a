"""The providers on one machine: SES v2, SMS and WhatsApp, for real boto3 clients.

    with ProviderSimulator(sns_endpoint_url="http://127.0.0.1:4566") as simulator:
        boto3.client("sesv2", endpoint_url=simulator.url, ...).send_email(...)

It checks requests against the services' own models and documented rules, answers with their
errors, and publishes their events to the topics of the event destinations that were created
through the same API. A destination that nobody created is silence, as on AWS.

For people and tests, beside the AWS operations:

- `GET /outbox`: `{"messages": [...]}`, every send that was accepted, in order: `provider` (ses, sms,
  whatsapp), `provider_message_id`, `sender`, `recipient`, `content` as received, `tags` (email tags,
  SMS context, or WhatsApp's biz_opaque_callback_data, also split into message_id and step),
  `configuration_set`, `request` (all of it), `received_at` (ISO, UTC), `received_ms` (since 1970).
  `DELETE /outbox` clears it.
- `GET /events`: `{"events": [...]}`, the last 1,000 events: `type`, `provider_message_id`, `topics`
  (empty: no event destination wants it), `published_at`.
- `POST /events` `{"provider": "ses|sms|whatsapp", "event": {...}}` publishes an event that no send
  leads to, unchanged, to the event destinations that want its type (without one: to all of the
  provider's): inbound messages, voice, account and template notices, or a text. It answers
  `{"topics": [...]}`.
- `GET /healthz`.

What a recipient does is chosen by its address. `…` is any domain but AWS's; a label after `+` makes
an address unique. Times count from the acceptance.

| email recipient | what happens |
|---|---|
| `success@simulator.amazonses.com` | delivered after 1 s |
| `bounce@simulator.amazonses.com` | hard bounce (Permanent/General, 550 5.1.1) |
| `complaint@simulator.amazonses.com` | delivered, then a complaint |
| `suppressionlist@simulator.amazonses.com` | bounce of a suppressed address (Permanent/Suppressed) |
| `ooto@simulator.amazonses.com` | delivered, then an out-of-office reply (bounce Transient/General) |
| `silent@…` | sent, and nothing more |
| `slow@…` | delivered after 3 s, or as many as the label says: `slow+5@` |
| `late@…` | delivered after 8 s, or as many as the label says: `late+20@` |
| `read@…` | delivered, then opened |
| `clicked@…` | delivered, opened, then a link is clicked |
| `shuffled@…` | events out of order and twice each: Delivery before Send |
| `duplicated@…` | each event twice |
| `delayed@…` | a delivery delay, delivered after 2 s; label: the delay's type, `delayed+MailboxFull@` |
| `bounce@…` | hard bounce (Permanent/General, 550 5.1.1); label: type and subtype, `bounce+Transient-MailboxFull@` |
| `complaint@…` | delivered, then a complaint (abuse); label: its type, `complaint+not-spam@` |
| `virus@…` | accepted, then an event Reject |
| `unsubscribed@…` | delivered, then an event Subscription |
| `throttled@…` | TooManyRequestsException for the first 2 attempts of a sender, recipient and subject, then delivered |
| `recovers@…` | bounce Transient/MailboxFull after the first attempt of a sender, recipient and subject, delivered after the second |
| `rejected@…` | MessageRejected at once, no event |
| `reset@…` | accepted and delivered, but the connection is closed without an answer |
| `lost@…` | accepted, the connection is closed without an answer, no events |
| any other address | delivered after 1 s |

| number | SMS | WhatsApp |
|---|---|---|
| `+14254147755` | SUCCESSFUL with isFinal true after 1 s: the carrier took it, no handset receipt | delivered after 1 s |
| `+14254147167` | BLOCKED, isFinal true | delivered after 1 s |
| `+447860019067` | BLOCKED, isFinal true | delivered after 1 s |
| `+12065550101` | queued, and nothing more | sent, and nothing more |
| `+12065550102` | delivered after 3 s | delivered after 3 s |
| `+12065550103` | delivered after 8 s | delivered after 8 s |
| `+12065550104` | delivered; RCS: then read | delivered, then read |
| `+12065550105` | events out of order and twice each: DELIVERED before QUEUED | statuses out of order and twice each: delivered before accepted |
| `+12065550106` | each event twice | each status twice |
| `+12065550107` | ThrottlingException for the first 2 attempts of a sender, recipient and body, then delivered | ThrottledRequestException for the first 2 attempts of a sender, recipient and message, then delivered |
| `+12065550108` | ConflictException DESTINATION_PHONE_NUMBER_OPTED_OUT at once, no event | InvalidParametersException at once, no event |
| `+12065550109` | accepted and delivered, but the connection is closed without an answer | accepted and delivered, but the connection is closed without an answer |
| `+12065550110` | accepted, the connection is closed without an answer, no events | accepted, the connection is closed without an answer, no statuses |
| `+12065550111` | INVALID, isFinal true | failed, 131026: not on WhatsApp |
| `+12065550112` | delivered after 1 s | window closed: failed, 131047, for all but templates, which are delivered |
| `+12065550113` | delivered after 1 s | delivered before accepted, and no status echoes biz_opaque_callback_data |
| `+12065550114` | UNREACHABLE with isFinal false, delivered after 2 s | delivered after 1 s |
| `+12065550115` | SUCCESSFUL with isFinal false, and nothing more | accepted, and nothing more |
| `+12065550116` | SUCCESSFUL with isFinal true after 1 s | read without delivered, which is implied |
| `+12065550117` | UNREACHABLE, isFinal true, after the first attempt of a sender, recipient and body, delivered after the second | failed, code 131000, after the first attempt of a sender, recipient and content, delivered after the second |
| `+12065550160` | delivered after 1 s | failed, code 130429 |
| `+12065550161` | delivered after 1 s | failed, code 130472 |
| `+12065550162` | delivered after 1 s | failed, code 131000 |
| `+12065550163` | delivered after 1 s | failed, code 131016 |
| `+12065550164` | delivered after 1 s | failed, code 131036 |
| `+12065550165` | delivered after 1 s | failed, code 131042 |
| `+12065550166` | delivered after 1 s | failed, code 131048 |
| `+12065550167` | delivered after 1 s | failed, code 131049 |
| `+12065550168` | delivered after 1 s | failed, code 131050 |
| `+12065550169` | delivered after 1 s | failed, code 131051 |
| `+12065550170` | delivered after 1 s | failed, code 131053 |
| `+12065550171` | delivered after 1 s | failed, code 131056 |
| `+12065550172` | delivered after 1 s | failed, code 132001 |
| `+12065550173` | delivered after 1 s | failed, code 132015 |
| `+12065550174` | delivered after 1 s | failed, code 131009, in a status without id |
| `+12065550175` | delivered after 1 s | status "Message retries exhausted, dropping message." without id |
| `+12065550176` | delivered after 1 s | sent, then warning |
| `+12065550177` | delivered after 1 s | delivered, then deleted |
| `+12065550178` | delivered after 1 s | delivered, then played |
| `+12065550180` | INVALID_MESSAGE, isFinal true | delivered after 1 s |
| `+12065550181` | UNREACHABLE, isFinal true | delivered after 1 s |
| `+12065550182` | CARRIER_UNREACHABLE, isFinal true | delivered after 1 s |
| `+12065550183` | BLOCKED, isFinal true | delivered after 1 s |
| `+12065550184` | CARRIER_BLOCKED, isFinal true | delivered after 1 s |
| `+12065550185` | SPAM, isFinal true | delivered after 1 s |
| `+12065550186` | UNKNOWN, isFinal true | delivered after 1 s |
| `+12065550187` | TTL_EXPIRED, isFinal true | delivered after 1 s |
| `+12065550188` | PROTECT_BLOCKED, isFinal true | delivered after 1 s |
| `+12065550189` | MMS: FILE_INACCESSIBLE, isFinal true; a text: nothing | delivered after 1 s |
| `+12065550190` | MMS: FILE_TYPE_UNSUPPORTED, isFinal true; a text: nothing | delivered after 1 s |
| `+12065550191` | MMS: FILE_SIZE_EXCEEDED, isFinal true; a text: nothing | delivered after 1 s |
| `+12065550192` | delivered; RCS: falls back to SMS, which is delivered | delivered after 1 s |
| `+12065550193` | delivered; RCS: read before it is delivered | delivered after 1 s |
| any other number | delivered after 1 s | delivered after 1 s |

Different from AWS:

- Senders need no set-up: any address, number, pool or sender id works, and WhatsApp takes an E.164
  number for the id of a phone number. Signatures, permissions and quotas are not checked.
- RCS falls back to SMS for the one number that does so, whatever `FallbackConfiguration` says; the
  events of that SMS have the message's id and context.
- Unknown members of a request are errors, so that a misspelt one is found.
- Events come within seconds. SMS `TimeToLive` and `MaxPrice` are checked but have no effect, and
  media are not fetched.
- A WhatsApp message that Meta would refuse is refused at once, with InvalidParametersException; on
  AWS some come back as a status `failed`.
- One WhatsApp account is always linked. Templates of WhatsApp are not looked up, nor the actions of
  interactive messages about catalogues, products, calls and orders.
- SES templates fill plain placeholders; blocks such as `{{#each}}` are not looked into.
- SES opens do not need an HTML body. Contact lists, tenants and dedicated IPs are not looked up.
- Other operations of the three services answer 501.
"""  # noqa: E501 -- the rows of a table cannot be broken

from local.simulator.publisher import Faults
from local.simulator.server import ProviderSimulator
from local.simulator.whatsapp import PHONE_NUMBER_ID, WABA_ID

__all__ = ["PHONE_NUMBER_ID", "WABA_ID", "Faults", "ProviderSimulator"]
