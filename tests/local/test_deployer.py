"""The deployer with small Pulumi programs on a real emulator."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread
from typing import Any

import pulumi
import pytest

from local.cloud import Cloud
from local.deployer import DeploymentError, deploy
from local.emulator import Emulator, free_port
from local.program import Project
from local.resources import UnknownResourceTypeError
from local.resources.functions import archive_bytes

Deploy = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", "us-east-1")
    with Emulator(cloud, tmp_path_factory.mktemp("emulator") / "emulator.log"):
        yield cloud


@pytest.fixture
def deploy_program(cloud: Cloud, tmp_path: Path) -> Deploy:
    def deploy_program(program: str, stack_config: str = "{}", **overrides: str) -> dict[str, Any]:
        (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {stack_config}\n")
        (tmp_path / "__main__.py").write_text(dedent(program))
        return deploy(Project.read(tmp_path), "dev", cloud, overrides)

    return deploy_program


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)
    return result


def test_queue_function_and_table_deployed_from_a_program_work_together(
    deploy_program: Deploy, cloud: Cloud
) -> None:
    outputs = deploy_program('''
        import json
        import pulumi
        import pulumi_aws as aws

        HANDLER = """
        import os, boto3

        def handler(event, context):
            for record in event["Records"]:
                item = {"id": {"S": record["body"]}, "mode": {"S": os.environ["MODE"]}}
                boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
        """
        table = aws.dynamodb.Table(
            "notes",
            attributes=[{"name": "id", "type": "S"}],
            hash_key="id",
            billing_mode="PAY_PER_REQUEST",
            ttl={"attribute_name": "expires_at", "enabled": True},
        )
        dead = aws.sqs.Queue("dead", message_retention_seconds=1209600)
        queue = aws.sqs.Queue(
            "notes",
            visibility_timeout_seconds=60,
            redrive_policy=dead.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
            ),
        )
        role = aws.iam.Role("notes", assume_role_policy="{}")
        function = aws.lambda_.Function(
            "notes",
            role=role.arn,
            runtime="python3.13",
            handler="notes.handler",
            timeout=10,
            layers=["arn:aws:lambda:us-east-1:017000801446:layer:Powertools:1"],
            code=pulumi.AssetArchive(
                {"notes.py": pulumi.StringAsset(HANDLER)}
            ),
            environment={"variables": {"TABLE": table.name, "MODE": "deployed"}},
        )
        aws.lambda_.EventSourceMapping(
            "notes",
            event_source_arn=queue.arn,
            function_name=function.arn,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
        )
        pulumi.export("queue_url", queue.url)
        pulumi.export("table", table.name)
    ''')
    attributes = cloud.client("sqs").get_queue_attributes(
        QueueUrl=outputs["queue_url"], AttributeNames=["All"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 5

    cloud.client("sqs").send_message(QueueUrl=outputs["queue_url"], MessageBody="first")
    items = wait_for(lambda: cloud.client("dynamodb").scan(TableName=outputs["table"])["Items"])
    assert items == [{"id": {"S": "first"}, "mode": {"S": "deployed"}}]


def test_topic_feeds_a_queue_and_a_stream_exists_with_its_retention(
    deploy_program: Deploy, cloud: Cloud
) -> None:
    outputs = deploy_program("""
        import pulumi
        import pulumi_aws as aws

        key = aws.kms.Key("events", enable_key_rotation=True)
        topic = aws.sns.Topic("events", kms_master_key_id=key.arn)
        queue = aws.sqs.Queue("events")
        aws.sns.TopicSubscription(
            "events", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True
        )
        stream = aws.kinesis.Stream("events", shard_count=1, retention_period=48)
        pulumi.export("topic", topic.arn)
        pulumi.export("queue_url", queue.url)
        pulumi.export("stream", stream.name)
    """)
    cloud.client("sns").publish(TopicArn=outputs["topic"], Message='{"a": 1}')
    messages = wait_for(
        lambda: cloud.client("sqs").receive_message(QueueUrl=outputs["queue_url"]).get("Messages")
    )
    assert [message["Body"] for message in messages] == ['{"a": 1}']
    stream = cloud.client("kinesis").describe_stream_summary(StreamName=outputs["stream"])
    assert stream["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48


def test_exported_outputs_are_plain_values_also_when_secret(deploy_program: Deploy) -> None:
    outputs = deploy_program(
        """
        import pulumi
        import pulumi_aws as aws

        config = pulumi.Config()
        caller, region = aws.get_caller_identity(), aws.get_region()
        partition = aws.get_partition()
        pulumi.export("count", config.require_int("count"))
        pulumi.export("names", config.require_object("names"))
        pulumi.export("colour", config.require("colour"))
        pulumi.export("password", pulumi.Output.secret("s3cret"))
        pulumi.export("where", f"{partition.partition} {region.region} {caller.account_id}")
        pulumi.export("stack", pulumi.get_stack())
        """,
        '{"small:count": 3, "names": ["a", "b"], "colour": "red", "token": {"secure": "v1:x"}}',
        **{"small:colour": "blue"},
    )
    assert outputs == {
        "count": 3,
        "names": ["a", "b"],
        "colour": "blue",
        "password": "s3cret",
        "where": "aws us-east-1 123456789012",
        "stack": "dev",
    }


def test_unknown_resource_type_stops_the_deployment_with_its_name(deploy_program: Deploy) -> None:
    with pytest.raises(UnknownResourceTypeError, match="aws:ssm/parameter:Parameter"):
        deploy_program('import pulumi_aws\npulumi_aws.ssm.Parameter("archive", type="String")')


def test_refused_resource_stops_the_deployment_with_its_name(deploy_program: Deploy) -> None:
    with pytest.raises(DeploymentError, match="aws:dynamodb/table:Table 't'"):
        deploy_program("""
            import pulumi_aws as aws
            aws.dynamodb.Table("t", attributes=[{"name": "id", "type": "S"}], hash_key="id")
        """)


def test_input_that_would_have_no_effect_stops_the_deployment_with_its_name(
    deploy_program: Deploy,
) -> None:
    with pytest.raises(DeploymentError, match=r"Topic 'orders': .*fifoTopic"):
        deploy_program('import pulumi_aws as aws\naws.sns.Topic("orders", fifo_topic=True)')


def test_failing_program_fails_the_deployment(deploy_program: Deploy) -> None:
    with pytest.raises(ValueError, match="wrong parameter"):
        deploy_program('raise ValueError("wrong parameter")')


def test_component_is_passed_through_and_its_children_are_created(
    deploy_program: Deploy, cloud: Cloud
) -> None:
    outputs = deploy_program("""
        import pulumi
        import pulumi_aws as aws

        class Mailbox(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("small:index:Mailbox", name)
                self.queue = aws.sqs.Queue(
                    f"{name}-letters", opts=pulumi.ResourceOptions(parent=self)
                )
                self.register_outputs({})

        pulumi.export("url", Mailbox("mailbox").queue.url)
    """)
    urls = cloud.client("sqs").list_queues(QueueNamePrefix="mailbox-letters")["QueueUrls"]
    assert urls == [outputs["url"]]


def test_dynamic_resource_runs_its_own_code_against_the_simulator(
    deploy_program: Deploy, cloud: Cloud
) -> None:
    requests: list[tuple[str, str]] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append((self.command, self.path))
            body = b'{"linkedAccounts": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    host, port = cloud.simulator_url.removeprefix("http://").split(":")
    server = ThreadingHTTPServer((host, int(port)), Recorder)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        outputs = deploy_program("""
            import pulumi
            from pulumi.dynamic import CreateResult, Resource, ResourceProvider

            class Provider(ResourceProvider):
                def create(self, props):
                    import boto3
                    client = boto3.client("socialmessaging")
                    accounts = client.list_linked_whatsapp_business_accounts()["linkedAccounts"]
                    return CreateResult("made", {**props, "linked": len(accounts)})

            class Accounts(Resource):
                linked: pulumi.Output[int]

                def __init__(self, name, purpose):
                    super().__init__(Provider(), name, {"purpose": purpose, "linked": None})

            accounts = Accounts("accounts", "test")
            pulumi.export("id", accounts.id)
            pulumi.export("linked", accounts.linked)
        """)
    finally:
        server.shutdown()
        server.server_close()
    assert outputs == {"id": "made", "linked": 0}
    assert [path.partition("?")[0] for _, path in requests] == ["/v1/whatsapp/waba/list"]


def test_archive_has_the_same_bytes_whatever_the_order_of_its_files() -> None:
    first = pulumi.AssetArchive(
        {
            "a.py": pulumi.StringAsset("a"),
            "b": pulumi.AssetArchive({"c.py": pulumi.StringAsset("c")}),
        }
    )
    second = pulumi.AssetArchive(
        {
            "b": pulumi.AssetArchive({"c.py": pulumi.StringAsset("c")}),
            "a.py": pulumi.StringAsset("a"),
        }
    )
    assert archive_bytes(first) == archive_bytes(second)
