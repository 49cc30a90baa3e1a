"""The SES templates that the examples name: on AWS somebody makes them before the first send."""

from collections.abc import Mapping
from typing import Any

from local.cloud import Cloud

TABLE_READY: Mapping[str, Any] = {
    "TemplateName": "table-ready",
    "TemplateContent": {
        "Subject": "{{name}}, your table is ready",
        "Text": "Dear {{name}}, we keep table {{table}} for 15 minutes.",
        "Html": "<p>Dear {{name}}, we keep table <b>{{table}}</b> for 15 minutes.</p>",
    },
}
PARCEL_ARRIVES: Mapping[str, Any] = {
    "TemplateName": "parcel-arrives",
    "TemplateContent": {
        "Subject": "Parcel {{parcel}}",
        "Text": "Hello {{name}}, it is on its way.",
    },
}


def create_email_templates(cloud: Cloud) -> None:
    """Make the templates at the simulator."""
    client = cloud.client("sesv2")
    for template in (TABLE_READY, PARCEL_ARRIVES):
        client.create_email_template(**template)
