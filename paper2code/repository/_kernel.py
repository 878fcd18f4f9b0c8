"""Starts ipykernel without any TCP socket; run by the interpreter of the generated code.

ipykernel listens on a loopback TCP port for what forked children print, whatever transport its
connection file names. This moves that one listener to a unix socket beside the others. Where
ipykernel looks different inside, it starts as it always does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def _pipe_over_ipc(folder: Path) -> None:
    """Replace the two ends of the pipe of `IOPubThread`."""
    import zmq
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    address = f"ipc://{folder / 'f'}"

    def pipe_in(self: Any) -> None:
        socket = self.socket.context.socket(zmq.PULL)
        socket.linger = 0
        self._pipe_uuid = os.urandom(16)
        socket.bind(address)
        self._pipe_in = ZMQStream(socket, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def pipe_out(self: Any) -> tuple[Any, Any]:  # noqa: ARG001
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        socket.linger = 3000
        socket.connect(address)
        return context, socket

    ends = {"_setup_pipe_in": pipe_in, "_setup_pipe_out": pipe_out}
    if all(hasattr(IOPubThread, name) for name in ends):
        for name, function in ends.items():
            setattr(IOPubThread, name, function)


if __name__ == "__main__":
    # The folder of this script must not shadow modules; the kernel adds its own first entry.
    del sys.path[0]
    if os.name == "posix":
        _pipe_over_ipc(Path(sys.argv[sys.argv.index("-f") + 1]).parent)
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
