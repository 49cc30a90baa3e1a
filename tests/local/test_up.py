"""What `make local` prints, and what it leaves behind."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.deployment import running_deployment
from local.leftovers import remove_leftovers
from local.preview import preview
from local.up import curl_command, instructions

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_printed_call_works_where_calls_are_signed(tmp_path: Path) -> None:
    with running_deployment({"authorization": "IAM"}) as deployment:
        assert deployment.api_key == ""
        text = instructions(deployment, tmp_path / "endpoint.json", tmp_path / "outputs.json")
        command = next(line for line in text.splitlines() if line.startswith("curl "))
        assert command == curl_command(deployment)
        assert "x-api-key" not in text
        accepted = json.loads(subprocess.check_output(shlex.split(command)))
        assert accepted["message_id"]
        # The status is asked for as the text says.
        asked = next(line for line in text.splitlines() if line.endswith("STATUS_URL"))
        status = shlex.split(asked[asked.index("curl ") :].replace("STATUS_URL", "{url}"))
        status[-1] = accepted["status_url"]
        document = json.loads(subprocess.check_output(status))
        assert document["message_id"] == accepted["message_id"]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(accepted["status_url"], timeout=20)


def test_what_a_process_that_is_gone_has_left_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = ["emulator-{}.log", "endpoint-{}.json", "outputs-{}.json", ".endpoint-{}"]
    for name in left:
        (tmp_path / name.format(gone.pid)).touch()
    kept = [name.format(os.getpid()) for name in left]
    kept += ["endpoint.json", "outputs.json", "e2e.log", "local.log", "some-notes.txt"]
    for name in kept:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "not-there-yet")


def test_the_tree_is_plain_where_no_other_characters_can_be() -> None:
    def printed(encoding: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "local", "preview"],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode(encoding).rstrip("\n")

    assert printed("utf-8") == preview(ROOT, "dev", as_json=False)
    plain = printed("ascii")
    assert plain.splitlines()[1] == "`- FallbackMessaging FallbackMessagingService"
    assert "?" not in plain
