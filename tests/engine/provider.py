"""The providers `aws` and `random` as the engine sees them, over a made-up account.

What the engine may ask of a type comes from the provider's Python SDK: unknown types, unknown
inputs and missing inputs are refused. What AWS makes (ids, ARNs, keys) is unknown in a preview.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.account import ACCOUNT_ID, Account, RefusedError, replaced_by
from tests.engine.sdk_types import ResourceType, UnknownTypeError, resource_type, version_of

__all__ = ["served"]

# As the engine writes what is not known yet, and what is secret.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# Provider's own bookkeeping: which inputs it has filled in itself.
DEFAULTS = "__defaults"


@contextmanager
def served(package: str, account: Account, schema_types: Sequence[str] = ()) -> Iterator[int]:
    """Serve a provider on a port of the loopback, which is returned.

    `schema_types` are the types that its schema has, for programs in YAML.
    """
    server = grpc.server(ThreadPoolExecutor(16), options=UNLIMITED)
    provider = Provider(package, account, schema_types)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The calls of the engine."""

    def __init__(self, package: str, account: Account, schema_types: Sequence[str]) -> None:
        self.package, self.account, self.schema_types = package, account, schema_types

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=version_of(self.package))

    def Attach(self, request, context):
        return empty_pb2.Empty()

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def GetSchema(self, request, context):
        return provider_pb2.GetSchemaResponse(schema=json.dumps(self._schema()))

    def GetMapping(self, request, context):
        return provider_pb2.GetMappingResponse()

    def Parameterize(self, request, context):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "it has no parameters")

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request, context):
        region = _plain(_read(request.args)).get("region")
        self.account.region = region or self.account.region
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True
        )

    def Invoke(self, request, context):
        region = self.account.region
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": ACCOUNT_ID,
                "arn": f"arn:aws:iam::{ACCOUNT_ID}:user/deployer",
                "userId": "deployer",
                "id": ACCOUNT_ID,
            },
            "aws:index/getRegion:getRegion": {"region": region, "name": region, "id": region},
            "aws:index/getPartition:getPartition": {
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "reverseDnsPrefix": "com.amazonaws",
                "id": "aws",
            },
        }
        if request.tok not in answers:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok} has no answer here")
        return provider_pb2.InvokeResponse(**{"return": _written(answers[request.tok])})

    def Check(self, request, context):
        kind, name = self._kind(request, context)
        inputs, olds = _read(request.news), _read(request.olds)
        given = {key for key in inputs if not key.startswith("__")}
        reasons = {
            **dict.fromkeys(given - kind.inputs, "is no input of this type"),
            **dict.fromkeys(kind.required - given, "is required and missing"),
        }
        failures = [
            provider_pb2.CheckFailure(property=key, reason=f"{kind.token}: {key} {reason}")
            for key, reason in sorted(reasons.items())
        ]
        if self.package == "aws" and "name" in kind.inputs and not given & {"name", "namePrefix"}:
            # As the provider does: the program's name and seven random digits, kept from then on.
            kept = olds.get("name") if "name" in olds.get(DEFAULTS, ()) else None
            inputs["name"] = kept or f"{name}-{secrets.token_hex(4)[:7]}"
            inputs[DEFAULTS] = ["name"]
        return provider_pb2.CheckResponse(inputs=_written(inputs), failures=failures)

    def Diff(self, request, context):
        kind, _ = self._kind(request, context)
        olds, news = _plain(_read(request.old_inputs)), _plain(_read(request.news))
        changed = sorted(
            key
            for key in {*olds, *news} - {DEFAULTS, *request.ignoreChanges}
            if olds.get(key) != news.get(key)
        )
        forcing = self._replaced_by(kind, context)
        replaces = [key for key in changed if key in forcing]
        form = provider_pb2.PropertyDiff
        details = {}
        for key in changed:
            what = "ADD" if key not in olds else "DELETE" if key not in news else "UPDATE"
            exact = form.Kind.Value(f"{what}_REPLACE" if key in replaces else what)
            details[key] = form(kind=exact, inputDiff=True)
        answer = provider_pb2.DiffResponse
        # A name that the program gives cannot be that of the old and of the new one at once.
        fixed = "name" in kind.inputs and "name" not in news.get(DEFAULTS, ())
        return answer(
            changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and fixed and "name" not in changed,
            hasDetailedDiff=True,
            detailedDiff=details,
        )

    def Create(self, request, context):
        kind, name = self._kind(request, context)
        inputs = _read(request.properties)
        if request.preview:
            unknown = kind.outputs - inputs.keys() - {"region", "tagsAll"}
            properties = {**inputs, **dict.fromkeys(unknown, UNKNOWN)}
            return provider_pb2.CreateResponse(properties=_written(properties))
        self._note("create", kind, name)
        try:
            id_, made = self.account.create(kind.token, name, _plain(inputs))
        except RefusedError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        outputs = {
            key: {SIGNATURE: SECRET, "value": value} if key in kind.secret_outputs else value
            for key, value in made.items()
            if key in kind.outputs and key not in inputs
        }
        return provider_pb2.CreateResponse(id=id_, properties=_written({**inputs, **outputs}))

    def Read(self, request, context):
        kind, name = self._kind(request, context)
        self._note("read", kind, name)
        if (kind.token, request.id) not in self.account.resources:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Update(self, request, context):
        kind, name = self._kind(request, context)
        news, given = _read(request.news), _read(request.old_inputs)
        # What AWS has made stays as it is.
        made = {key: value for key, value in _read(request.olds).items() if key not in given}
        if not request.preview:
            self._note("update", kind, name)
            try:
                self.account.update(kind.token, request.id, _plain(news))
            except RefusedError as error:
                context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.UpdateResponse(properties=_written({**made, **news}))

    def Delete(self, request, context):
        kind, name = self._kind(request, context)
        self._note("delete", kind, name)
        try:
            self.account.delete(kind.token, request.id)
        except RefusedError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return empty_pb2.Empty()

    def _kind(self, request: Any, context: Any) -> tuple[ResourceType, str]:
        # urn:pulumi:stack::project::parent-type$type::name
        _, _, types, name = request.urn.split("::", 3)
        try:
            return resource_type(types.rpartition("$")[2]), name
        except UnknownTypeError as error:
            return context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def _replaced_by(self, kind: ResourceType, context: Any) -> frozenset[str]:
        try:
            return replaced_by(kind.token)
        except RefusedError as error:
            return context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))

    def _note(self, call: str, kind: ResourceType, name: str) -> None:
        self.account.calls.append((call, kind.token, name))

    def _schema(self) -> dict[str, Any]:
        anything, text = {"$ref": "pulumi.json#/Any"}, {"type": "string"}
        texts = {"arn", "name", "policy", "assumeRolePolicy", "role"}

        def properties(names: frozenset[str]) -> dict[str, Any]:
            return {name: text if name in texts else anything for name in sorted(names)}

        return {
            "name": self.package,
            "version": version_of(self.package),
            "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
            "config": {"variables": {"region": text}},
            "provider": {"inputProperties": {"region": text}},
            "resources": {
                token: {
                    "inputProperties": properties(kind.inputs),
                    "requiredInputs": sorted(kind.required),
                    "properties": properties(kind.outputs),
                    "required": sorted(kind.outputs & {"arn", "name"}),
                }
                for token, kind in ((each, resource_type(each)) for each in self.schema_types)
            },
        }


def _plain(value: Any) -> Any:
    """Return a value without the marks of its secrets."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value["value"])
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _read(message: struct_pb2.Struct) -> dict[str, Any]:
    return json_format.MessageToDict(message)


def _written(value: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())
