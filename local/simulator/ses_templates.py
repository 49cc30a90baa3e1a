"""SES templates: a text with `{{name}}` placeholders, filled from the data of each request.

Source: https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
"""

import json
import re
from collections.abc import Mapping

from local.simulator.provider import Operation
from local.simulator.ses_configuration import bad_request
from local.simulator.wire import Params, ServiceError

# Blocks are left out: what stands in them belongs to another context, or may be missing.
_BLOCK = re.compile(r"\{\{#(\w+).*?\{\{/\1\}\}", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{\{?\s*([A-Za-z_][\w.-]*)\s*\}?\}\}")

# A placeholder that SES fills itself.
_UNSUBSCRIBE_URL = "amazonSESUnsubscribeUrl"


class Templates:
    """The templates of the account, by name."""

    def __init__(self) -> None:
        self._templates: dict[str, Params] = {}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations on them, by their names in the model."""
        return {
            "CreateEmailTemplate": self.create_email_template,
            "UpdateEmailTemplate": self.update_email_template,
            "GetEmailTemplate": self.get_email_template,
            "DeleteEmailTemplate": self.delete_email_template,
        }

    def missing_attribute(self, template: Params) -> str | None:
        """Find the first attribute that a template asks for and the request's data lacks."""
        sources = [k for k in ("TemplateName", "TemplateArn", "TemplateContent") if k in template]
        if len(sources) != 1:
            message = (
                "Template must have exactly one of TemplateName, TemplateArn, TemplateContent."
            )
            raise bad_request(message)
        if "TemplateContent" in template:
            content = template["TemplateContent"]
        else:
            content = self._template(str(template_name(template)))["TemplateContent"]
        try:
            data = json.loads(template.get("TemplateData", "{}"))
        except ValueError as error:
            raise bad_request("TemplateData is not JSON.") from error
        if not isinstance(data, dict):
            raise bad_request("TemplateData is not a JSON object.")
        for part in ("Subject", "Text", "Html"):
            for attribute in _PLACEHOLDER.findall(_BLOCK.sub("", content.get(part, ""))):
                if attribute != _UNSUBSCRIBE_URL and not _has(data, attribute):
                    return str(attribute)
        return None

    def _template(self, name: str) -> Params:
        if name not in self._templates:
            raise ServiceError("NotFoundException", f"Template {name} does not exist.")
        return self._templates[name]

    async def create_email_template(self, params: Params) -> Params:
        """Register a template with `{{name}}` placeholders."""
        name = params["TemplateName"]
        if name in self._templates:
            raise ServiceError("AlreadyExistsException", f"Template {name} already exists.")
        self._templates[name] = params
        return {}

    async def update_email_template(self, params: Params) -> Params:
        """Replace a template."""
        self._template(params["TemplateName"])
        self._templates[params["TemplateName"]] = params
        return {}

    async def get_email_template(self, params: Params) -> Params:
        """Tell a template's content."""
        return self._template(params["TemplateName"])

    async def delete_email_template(self, params: Params) -> Params:
        """Forget a template; one that does not exist is no error, as on AWS."""
        self._templates.pop(params["TemplateName"], None)
        return {}


def template_name(template: Params) -> str | None:
    """Tell the name of a request's template; None when the request brings its content."""
    name = template.get("TemplateName")
    if name is None and "TemplateArn" in template:
        return str(template["TemplateArn"]).rpartition("/")[2]
    return name


def _has(data: Params, attribute: str) -> bool:
    value: object = data
    for part in attribute.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True
