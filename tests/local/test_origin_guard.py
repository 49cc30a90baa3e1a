"""What a web page can make a browser send to this machine's servers: refused, and nothing runs."""

import asyncio
import base64
import http.client
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.cloud import ACCOUNT_ID, Cloud
from local.emulator import Emulator, free_port
from local.origin_guard import OriginGuard
from local.simulator import ProviderSimulator

REGION = "us-east-1"
PORT = 4567
HOST = f"127.0.0.1:{PORT}"
PAGE = "https://evil.example"
FUNCTIONS = "/2015-03-31/functions"
# What browsers add to what a page of another origin asks for: fetch and forms, images and links.
MARKS = [
    {"Origin": PAGE},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin"},
]
FOREIGN_HOSTS = ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    url = f"http://127.0.0.1:{free_port()}"
    simulator = ProviderSimulator(url, REGION, ACCOUNT_ID)
    cloud = Cloud(url, simulator.url, REGION)
    log_file = tmp_path_factory.mktemp("emulator") / "emulator.log"
    with Emulator(cloud, log_file), simulator:
        yield cloud


@pytest.fixture(params=["emulator", "simulator"])
def server(cloud: Cloud, request: pytest.FixtureRequest) -> tuple[str, str]:
    """The base URL of a server, and a path that it answers with 200."""
    if request.param == "emulator":
        return cloud.emulator_url, "/_ministack/health"
    return cloud.simulator_url, "/outbox"


def call(
    url: str, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    address = urlsplit(url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    names = {name.lower(): value for name, value in answer.getheaders()}
    text = answer.read().decode()
    connection.close()
    return answer.status, names, text


def assert_refused(answer: tuple[int, dict[str, str], str]) -> None:
    status, headers, text = answer
    assert status == 403
    assert text.startswith("Only programs of this machine may call http://127.0.0.1:")
    assert text.count("\n") == 1
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_preflight_is_refused(server: tuple[str, str]) -> None:
    url, path = server
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    assert_refused(call(url, "OPTIONS", path, **asked))
    assert_refused(call(url, "OPTIONS", FUNCTIONS, **asked))


@pytest.mark.parametrize("mark", MARKS, ids=str)
def test_what_a_page_asks_for_is_refused(server: tuple[str, str], mark: dict[str, str]) -> None:
    url, path = server
    assert_refused(call(url, "GET", path, **mark))


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_leads_here_is_refused(server: tuple[str, str], host: str) -> None:
    url, path = server
    assert_refused(call(url, "GET", path, Host=host.format(port=urlsplit(url).port)))


def test_programs_and_people_are_answered_without_cors_headers(server: tuple[str, str]) -> None:
    url, path = server
    for headers in ({}, {"Sec-Fetch-Site": "none"}):
        status, names, _ = call(url, "GET", path, **headers)
        assert status == 200
        assert not [name for name in names if name.startswith("access-control-")]


def test_no_answer_of_the_emulator_has_a_cors_header(cloud: Cloud) -> None:
    """It sets them in several places: with OPTIONS, with data and with errors."""
    for method, path in (("OPTIONS", FUNCTIONS), ("GET", FUNCTIONS), ("GET", "/nothing/here")):
        _, names, _ = call(cloud.emulator_url, method, path)
        assert not [name for name in names if name.startswith("access-control-")]


def test_a_page_cannot_run_code(cloud: Cloud, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        code = f"def handler(event, context):\n    open({str(marker)!r}, 'w').close()\n"
        archive.writestr("index.py", code)
    function = {
        "FunctionName": "drive-by",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT_ID}:role/any",
        "Handler": "index.handler",
        "Code": {"ZipFile": base64.b64encode(packed.getvalue()).decode()},
    }
    invocations = f"{FUNCTIONS}/drive-by/invocations"
    page = {"Origin": PAGE, "Content-Type": "text/plain"}
    assert_refused(call(cloud.emulator_url, "POST", FUNCTIONS, function, **page))
    assert_refused(call(cloud.emulator_url, "POST", invocations, {}, **page))
    assert not marker.exists()
    # The same without what a browser adds: so it was the guard that refused.
    assert call(cloud.emulator_url, "POST", FUNCTIONS, function)[0] == 201
    assert_refused(call(cloud.emulator_url, "POST", invocations, {}, **page))
    assert not marker.exists()
    assert call(cloud.emulator_url, "POST", invocations, {})[0] == 200
    assert marker.exists()


def test_a_page_cannot_make_up_events_or_clear_the_outbox(cloud: Cloud) -> None:
    event = {"provider": "ses", "event": "boom"}
    assert_refused(call(cloud.simulator_url, "POST", "/events", event, Origin=PAGE))
    assert_refused(call(cloud.simulator_url, "DELETE", "/outbox", Origin=PAGE))


class Served:
    """An application that counts its calls and says what nobody should see."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.calls += 1
        kind = "websocket.accept" if scope["type"] == "websocket" else "http.response.start"
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x-kept", b"1")]
        await send({"type": kind, "status": 200, "headers": headers})


def sent_by(guard: OriginGuard, kind: str, *headers: tuple[str, str]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the guard reads nothing")

    raw = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(guard({"type": kind, "headers": raw}, receive, send))
    return sent


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ([("host", HOST), ("origin", f"http://{HOST}"), ("sec-fetch-site", "same-origin")], True),
        ([("host", HOST), ("sec-fetch-site", "same-origin")], True),
        ([("host", HOST), ("origin", PAGE)], False),
        ([("host", HOST), ("origin", f"https://{HOST}")], False),
        ([("host", HOST), ("origin", f"http://{HOST}.evil.example")], False),
        ([("host", HOST), ("origin", f"http://{HOST}"), ("origin", PAGE)], False),
        ([("host", HOST), ("origin", f"http://{HOST}"), ("sec-fetch-site", "same-site")], False),
        ([("host", f"evil.example:{PORT}"), ("origin", f"http://evil.example:{PORT}")], False),
        ([("origin", f"http://{HOST}")], False),
        ([("host", HOST), ("host", "evil.example")], False),
    ],
)
def test_a_server_with_pages_answers_its_own_alone(
    headers: list[tuple[str, str]], *, is_allowed: bool
) -> None:
    served = Served()
    start = sent_by(OriginGuard(served, PORT, serves_pages=True), "http", *headers)[0]
    assert (start["status"], served.calls) == ((200, 1) if is_allowed else (403, 0))


@pytest.mark.parametrize("own", [("origin", f"http://{HOST}"), ("sec-fetch-site", "same-origin")])
def test_a_server_without_pages_has_no_origin_of_its_own(own: tuple[str, str]) -> None:
    served = Served()
    start = sent_by(OriginGuard(served, PORT), "http", ("host", HOST), own)[0]
    assert (start["status"], served.calls) == (403, 0)


def test_a_websocket_is_guarded_too() -> None:
    served = Served()
    guard = OriginGuard(served, PORT)
    refused = sent_by(guard, "websocket", ("host", HOST), ("origin", PAGE))
    assert (refused, served.calls) == ([{"type": "websocket.close"}], 0)
    (accepted,) = sent_by(guard, "websocket", ("host", HOST))
    assert accepted["headers"] == [(b"x-kept", b"1")]


def test_what_is_no_request_is_passed_on() -> None:
    served = Served()
    asyncio.run(OriginGuard(served, PORT)({"type": "lifespan"}, None, _ignore))  # type: ignore[arg-type]
    assert served.calls == 1


async def _ignore(_message: Any) -> None:
    pass
