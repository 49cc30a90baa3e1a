"""What the emulator's child process runs: MiniStack, until the parent closes its end of a pipe."""

import os
import shutil
import signal
import sys
import threading

from ministack import app as ministack

from local.origin_guard import OriginGuard


def _end_with_parent() -> None:
    # Standard input is a pipe from the parent. It closes when the parent stops the emulator,
    # and also when the parent dies, however it dies. The state is throwaway, so nothing is
    # saved, and the signal reaches the Lambda workers too: they are in the same process group,
    # which is this process's own (it was started as a session leader).
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Its main program serves what its module has by this name.
    ministack.app = OriginGuard(ministack.app, int(os.environ["GATEWAY_PORT"]))
    ministack.main()
