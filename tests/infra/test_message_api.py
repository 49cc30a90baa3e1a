"""The HTTP API: its methods, who may call it, and what of a call is kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest

ROUTES = {
    ("POST", "/messages"),
    ("GET", "/messages/{message_id}"),
    ("POST", "/messages/{message_id}/cancel"),
}


def paths(recording: Any) -> dict[str, str]:
    by_id = {f"{resource.name}-id": resource.inputs for resource in recording.all("Resource")}

    def path(resource_id: str) -> str:
        if resource_id == "root":
            return ""
        inputs = by_id[resource_id]
        return f"{path(inputs['parentId'])}/{inputs['pathPart']}"

    return {resource_id: path(resource_id) for resource_id in by_id}


@pytest.mark.parametrize("kind", ["Method", "Integration"])
def test_the_api_has_the_three_documented_routes(dev: Any, kind: str) -> None:
    by_id = paths(dev)
    routes = {
        (resource.inputs["httpMethod"], by_id[resource.inputs["resourceId"]])
        for resource in dev.all(kind)
    }

    assert routes == ROUTES


def test_every_route_is_handed_to_the_function_as_it_came(dev: Any) -> None:
    for integration in dev.all("Integration"):
        assert integration.inputs["type"] == "AWS_PROXY"
        assert integration.inputs["integrationHttpMethod"] == "POST"
        assert integration.inputs["uri"].endswith("path/FallbackMessagingService-api-message-api")


def test_only_this_api_may_invoke_the_function(dev: Any) -> None:
    permission = dev.one("Permission").inputs

    assert permission["principal"] == "apigateway.amazonaws.com"
    assert "sourceAccount" not in permission
    assert permission["sourceArn"] == (
        "arn:aws:execute-api:eu-west-1:123456789012:"
        "FallbackMessagingService-api-rest-api/v1/*/messages*"
    )


def test_with_a_key_every_route_asks_for_it(dev: Any) -> None:
    for method in dev.all("Method"):
        assert (method.inputs["authorization"], method.inputs["apiKeyRequired"]) == ("NONE", True)
    plan, key = dev.one("UsagePlan"), dev.one("ApiKey")
    assert plan.inputs["apiStages"] == [
        {"apiId": f"{dev.one('RestApi').name}-id", "stage": "v1"},
    ]
    assert dev.one("UsagePlanKey").inputs == {
        "keyId": f"{key.name}-id",
        "keyType": "API_KEY",
        "usagePlanId": f"{plan.name}-id",
    }


def test_the_keys_are_secret_wherever_aws_answers_with_them(dev: Any) -> None:
    options = {r.name: dev.options[r.name] for r in dev.all("UsagePlanKey")}

    assert options
    assert all("value" in each.additional_secret_outputs for each in options.values())


def test_the_key_is_made_by_aws_and_so_stays_the_same(dev: Any) -> None:
    assert "value" not in dev.one("ApiKey").inputs
    assert "name" not in dev.one("ApiKey").inputs
    assert dev.outputs["api_key"] == "the-key"


def test_with_iam_every_route_asks_for_a_signature_and_there_is_no_key(
    deploy: Callable[..., Any],
) -> None:
    recording = deploy(authorization="IAM")

    for method in recording.all("Method"):
        assert method.inputs["authorization"] == "AWS_IAM"
        assert method.inputs["apiKeyRequired"] is False
    for kind in ("ApiKey", "UsagePlan", "UsagePlanKey"):
        assert recording.all(kind) == []
    assert recording.outputs["api_key"] == ""
    assert recording.outputs["api_key_id"] == ""
    assert recording.outputs["api_keys"] == {}


def test_calls_are_throttled_and_their_bodies_never_logged(dev: Any) -> None:
    settings = dev.one("MethodSettings").inputs

    assert settings["methodPath"] == "*/*"
    assert settings["settings"] == {
        "dataTraceEnabled": False,
        "loggingLevel": "OFF",
        "metricsEnabled": True,
        "throttlingBurstLimit": 100,
        "throttlingRateLimit": 50,
    }


def test_throttle_and_quota_are_parameters(deploy: Callable[..., Any]) -> None:
    recording = deploy(apiThrottleRate="7", apiThrottleBurst="9", apiQuotaPerDay="1000")

    settings = recording.one("MethodSettings").inputs["settings"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (7, 9)
    assert recording.one("UsagePlan").inputs["quotaSettings"] == {"limit": 1000, "period": "DAY"}


def test_access_logs_say_who_asked_what_and_nothing_of_the_content(prod: Any) -> None:
    logs = prod.one("Stage").inputs["accessLogSettings"]

    assert logs["destinationArn"] == prod.one("LogGroup", "-access-logs").arn
    fields = set(json.loads(logs["format"]).values())
    assert "$context.requestId" in fields
    assert all(field.startswith("$context.") for field in fields)
    assert not [
        field
        for field in fields
        if any(word in field.lower() for word in ("body", "header", "querystring", "apikey"))
        and field != "$context.identity.apiKeyId"
    ]


def test_the_role_of_access_logs_stays_out_when_the_account_has_one(
    prod: Any, deploy: Callable[..., Any]
) -> None:
    assert prod.one("Account").inputs["cloudwatchRoleArn"] == prod.one("Role", "-log-role").arn
    without = deploy("prod", createApiGatewayLogRole="false")
    assert without.all("Account") == []
    assert len(without.all("Role")) == 5


def test_the_api_is_deployed_anew_only_when_it_changes(deploy: Callable[..., Any]) -> None:
    def trigger(**configuration: str) -> dict[str, str]:
        return deploy(**configuration).one("Deployment").inputs["triggers"]

    same = trigger()
    assert same == trigger(logLevel="DEBUG", retentionDays="99", apiThrottleRate="7")
    assert same != trigger(authorization="IAM")


def test_without_access_logs_the_accounts_setting_is_left_alone(dev: Any) -> None:
    assert "accessLogSettings" not in dev.one("Stage").inputs
    assert dev.all("Account") == []


def test_each_client_has_a_key_of_its_own_and_limits_of_its_own(
    deploy: Callable[..., Any],
) -> None:
    recording = deploy(
        apiClients='["shop", "crm"]',
        apiClientThrottleRate="5",
        apiClientThrottleBurst="7",
        apiQuotaPerDay="1000",
    )
    plan = recording.one("UsagePlan")

    assert [key.name.rpartition("-api-")[2] for key in recording.all("ApiKey")] == [
        "shop-key",
        "crm-key",
    ]
    # API Gateway counts a plan's limits for each of its keys.
    assert plan.inputs["throttleSettings"] == {"rateLimit": 5, "burstLimit": 7}
    assert plan.inputs["quotaSettings"] == {"limit": 1000, "period": "DAY"}
    assert {link.inputs["keyId"] for link in recording.all("UsagePlanKey")} == {
        f"{key.name}-id" for key in recording.all("ApiKey")
    }
    assert set(recording.outputs["api_keys"]) == {"shop", "crm"}


def test_without_networks_and_limits_the_api_is_open_and_has_no_web_acl(dev: Any) -> None:
    _, deny = dev.one("RestApiPolicy").document()["Statement"]
    assert deny["Condition"] == {"NotIpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}}
    assert dev.all("WebAcl") == []
    assert "throttleSettings" not in dev.one("UsagePlan").inputs


def test_only_the_allowed_networks_may_call(deploy: Callable[..., Any]) -> None:
    recording = deploy(allowedCidrs='["203.0.113.0/24", "2001:db8::/32"]')
    allow, deny = recording.one("RestApiPolicy").document()["Statement"]

    assert (allow["Effect"], allow["Principal"]) == ("Allow", "*")
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {
        "NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}
    }


def test_with_iam_the_networks_let_nobody_in_who_has_no_permission(
    deploy: Callable[..., Any],
) -> None:
    recording = deploy(allowedCidrs='["203.0.113.0/24"]', authorization="IAM")
    statements = recording.one("RestApiPolicy").document()["Statement"]

    assert [statement["Effect"] for statement in statements] == ["Deny"]


def test_other_networks_are_a_change_of_the_api(deploy: Callable[..., Any]) -> None:
    def trigger(**configuration: str) -> dict[str, str]:
        return deploy(**configuration).one("Deployment").inputs["triggers"]

    assert trigger() != trigger(allowedCidrs='["203.0.113.0/24"]')


def test_a_web_acl_stops_an_address_that_asks_too_often(deploy: Callable[..., Any]) -> None:
    recording = deploy(wafRateLimit="2000")
    acl = recording.one("WebAcl").inputs
    (rule,) = acl["rules"]

    assert rule["statement"]["rateBasedStatement"] == {
        "limit": 2000,
        "aggregateKeyType": "IP",
        "evaluationWindowSec": 300,
    }
    assert rule["action"] == {"block": {}}
    assert (acl["scope"], acl["defaultAction"]) == ("REGIONAL", {"allow": {}})
    # Samples would keep the clients' keys.
    assert acl["visibilityConfig"]["sampledRequestsEnabled"] is False
    metrics = [acl["visibilityConfig"]["metricName"]]
    metrics += [rule["visibilityConfig"]["metricName"] for rule in acl["rules"]]
    assert metrics == [
        "FallbackMessagingService-dev-web-acl",
        "FallbackMessagingService-dev-rate-by-address",
    ]
    # A stage has one association: the old one, deleted later, would take the new one along.
    (name,) = [each.name for each in recording.all("WebAclAssociation")]
    assert recording.options[name].delete_before_replace is True
    association = recording.one("WebAclAssociation").inputs
    assert association["webAclArn"] == recording.one("WebAcl").arn
    assert association["resourceArn"] == recording.one("Stage").arn


@pytest.mark.parametrize(
    ("output", "call"),
    [
        ("send_policy", "POST/messages"),
        ("status_policy", "GET/messages/*"),
        ("cancel_policy", "POST/messages/*/cancel"),
    ],
)
def test_callers_with_iam_get_the_policy_for_one_call(prod: Any, output: str, call: str) -> None:
    (statement,) = json.loads(prod.outputs[output])["Statement"]

    assert statement["Action"] == ["execute-api:Invoke"]
    assert statement["Resource"] == [
        "arn:aws:execute-api:eu-west-1:123456789012:FallbackMessagingService-api-rest-api/v1/"
        + call
    ]


def test_what_the_gateway_refuses_is_answered_with_a_problem_document(dev: Any) -> None:
    responses = {r.inputs["responseType"]: r.inputs for r in dev.all("Response")}

    assert {"INVALID_API_KEY", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    for inputs in responses.values():
        header = inputs["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert header == "'application/problem+json'"
        # The variable stands for a JSON text, quotes included.
        filled = inputs["responseTemplates"]["application/json"].replace(
            "$context.error.messageString", json.dumps('a "reason"')
        )
        document = json.loads(filled)
        assert document["detail"] == 'a "reason"'
        assert str(document.get("status", "")) == (inputs.get("statusCode") or "")


def test_a_throttled_client_is_told_when_to_come_back(dev: Any) -> None:
    headers = dev.one("Response", "-throttled-response").inputs["responseParameters"]

    assert headers["gatewayresponse.header.Retry-After"] == "'1'"


def test_messages_follows_the_exported_url(dev: Any) -> None:
    assert dev.outputs["api_url"].startswith("https://")
    assert dev.outputs["api_url"].endswith("/v1")
