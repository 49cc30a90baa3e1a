"""The providers on one machine: SES v2, SMS and WhatsApp, for real boto3 clients.

    with ProviderSimulator(sns_endpoint_url="http://127.0.0.1:4566") as simulator:
        boto3.client("sesv2", endpoint_url=simulator.url, ...).send_email(...)

It checks requests against the services' own models and documented rules, answers with their
errors, and publishes their events to the topics of the event destinations that were created
through the same API. A destination that nobody created is silence, as on AWS.

`/outbox`, `/events` and `/healthz` are for people and tests. docs/local.md has these, what each
recipient does (from the tables of `recipients.py`), and what is different from AWS.
"""

from local.simulator.publisher import Faults
from local.simulator.server import ProviderSimulator
from local.simulator.whatsapp import PHONE_NUMBER_ID, WABA_ID

__all__ = ["PHONE_NUMBER_ID", "WABA_ID", "Faults", "ProviderSimulator"]
