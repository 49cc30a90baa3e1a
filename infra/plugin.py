"""The components for programs in other languages: what the plugin's process serves."""

import json
import re
from collections.abc import Mapping, Sequence

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from .delivery_event_stream import DeliveryEventStream
from .event_destinations import EventDestinations
from .fallback_messaging import FallbackMessaging
from .settings import PARAMETERS, SettingsError

__all__ = ["PluginProvider"]

# The analyzer reads the documentation of a class's own fields only, and these are inherited.
_INHERITED = {
    "topic_arn": "ARN of the SNS topic; its policy must let SES, SMS and WhatsApp publish."
}
_NOT_HERE = "whatsAppBusinessAccountIds"
_NOT_HERE_BECAUSE = (
    f"{_NOT_HERE} is for programs in Python that install the package: Pulumi cannot run its "
    f"provider for other programs. Leave it out, and set the event destination of each account to "
    f"topicArn yourself"
)


class PluginProvider(ComponentProvider):
    """The provider of the components, with the parameter table as their documentation."""

    def __init__(self) -> None:
        components = [DeliveryEventStream, EventDestinations, FallbackMessaging]
        super().__init__(components, "fallback-messaging", version="0.1.0")
        document = json.loads(self.schema or "{}")
        for token, resource in document["resources"].items():
            names = self._component_defs[token.rpartition(":")[2]].inputs_mapping
            for name, schema in resource["inputProperties"].items():
                if names[name] in PARAMETERS:
                    schema["description"] = PARAMETERS[names[name]].sentences
                elif names[name] in _INHERITED:
                    schema["description"] = _INHERITED[names[name]]
        self.schema = json.dumps(document)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Create a component; raises InputPropertiesError, before a resource is declared."""
        # Pulumi runs dynamic providers in the program's own environment, not in the plugin's
        # (https://github.com/pulumi/pulumi/issues/5455), where this one is not installed.
        if inputs.get(_NOT_HERE):
            raise _refusal(name, [_NOT_HERE_BECAUSE])
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, SettingsError):
                names = self._component_defs[resource_type.rpartition(":")[2]].inputs_mapping
                problems = [_as_in_schema(problem, names) for problem in error.inner.problems]
                raise _refusal(name, problems) from None
            raise


def _as_in_schema(sentence: str, inputs_mapping: Mapping[str, str]) -> str:
    """Return a sentence about a component's arguments with their names as the schema has them."""
    names = {argument: name for name, argument in inputs_mapping.items()}
    return re.sub(r"\b\w+\b", lambda found: names.get(found[0], found[0]), sentence)


def _refusal(name: str, problems: Sequence[str]) -> InputPropertiesError:
    # Pulumi shows its sentences, and of any other error the stack trace. Without `errors`, the SDK
    # fails at answering.
    errors = [InputPropertyErrorDetails(property_path=name, reason=each) for each in problems]
    return InputPropertiesError(str(SettingsError(problems)), errors)
