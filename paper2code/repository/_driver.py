"""Executes one notebook; runs as a process of its own, below the launcher.

Reads its order from a JSON file (`python -I _driver.py ORDER`), starts the kernel of the
interpreter named there over `ipc` (no TCP socket on POSIX), executes cell by cell, saves after
each, and leaves `outcome.json`. Imports nothing of paper2code, because it runs isolated; where
nbclient lies it is told in the order.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = "\x1e"


def tell(**event: Any) -> None:
    """Send one event to the caller, as a line it can tell from what the kernel prints."""
    sys.stdout.write(EVENT + json.dumps(event) + "\n")
    sys.stdout.flush()


def save(path: str, text: str) -> None:
    """Write a file by temporary file and rename."""
    temporary = Path(path + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


class OutputLimitError(Exception):
    """The notebook printed more than it may."""


def _client_class(limit: int) -> Any:
    """Return the notebook client that reports progress and counts output."""
    from nbclient import NotebookClient

    class Client(NotebookClient):  # type: ignore[misc]
        """Notebook client that passes on text as it comes and stops at the output limit."""

        size = 0

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            """Count and pass on what the kernel sends, then handle it as always."""
            content = msg.get("content", {})
            if msg["msg_type"] == "stream":
                text = str(content.get("text", ""))
                self.size += len(text)
                tell(event="text", text=text)
            elif msg["msg_type"] in ("display_data", "execute_result", "update_display_data"):
                self.size += len(json.dumps(content.get("data", {}), default=str))
            if self.size > limit:
                raise OutputLimitError(f"more than {limit} characters of output")
            return super().process_message(msg, cell, cell_index)

    return Client


def _manager(order: dict[str, Any]) -> Any:
    """Return a kernel manager for the interpreter given, with nothing installed anywhere."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    spec = KernelSpec(
        argv=[
            order["python"],
            str(Path(__file__).with_name("_kernel.py")),
            "-f",
            "{connection_file}",
            "--HistoryManager.enabled=False",
        ],
        display_name="paper2code",
        language="python",
        env={},
        metadata={"debugger": False},
        resource_dir="",
    )

    class OneSpec(KernelSpecManager):  # type: ignore[misc]
        """Knows one kernel, whatever the name asked for."""

        def get_kernel_spec(self, kernel_name: str) -> Any:  # noqa: ARG002
            """Return the one kernel."""
            return spec

    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=OneSpec())
    if os.name == "posix":
        manager.transport = "ipc"
        manager.ip = str(Path(order["sockets"]) / "k")
    manager.connection_file = str(Path(order["sockets"]) / "c.json")
    return manager


def _failure(error: BaseException, state: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome an exception stands for."""
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    if isinstance(error, CellExecutionError):
        return {"kind": "error", "ename": error.ename, "evalue": error.evalue, **state}
    if isinstance(error, DeadKernelError):
        return {"kind": "died", "evalue": str(error), **state}
    if isinstance(error, OutputLimitError):
        return {"kind": "output", "evalue": str(error), **state}
    return {"kind": "broken", "ename": type(error).__name__, "evalue": str(error), **state}


async def execute(order: dict[str, Any]) -> dict[str, Any]:
    """Execute the notebook of an order and return the outcome."""
    import nbformat

    notebook = nbformat.read(order["notebook"], as_version=4)
    total = len(notebook.cells)
    state: dict[str, Any] = {"cell": -1}

    def keep() -> None:
        save(order["executed"], nbformat.writes(notebook) + "\n")

    state_stop: list[Callable[[], None]] = []

    def started(cell: Any, cell_index: int, **_: Any) -> None:
        # nbclient replaces the handler when it starts the kernel; ours saves and tells.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, state_stop[0])
        if cell.cell_type == "code":
            state["cell"] = cell_index
        tell(event="cell", index=cell_index, of=total)

    def finished(**_: Any) -> None:
        keep()

    manager = _manager(order)
    client = _client_class(order["output_limit"])(
        notebook,
        km=manager,
        timeout=None,
        startup_timeout=order["startup"],
        kernel_name="python3",
        resources={"metadata": {"path": order["cwd"]}},
        store_widget_state=False,
        record_timing=False,
        on_cell_start=started,
        on_cell_executed=finished,
    )
    task = asyncio.ensure_future(client.async_execute(reset_kc=True, cwd=order["cwd"]))
    ended = ""

    def stop() -> None:
        nonlocal ended
        ended = ended or "stopped"
        task.cancel()

    state_stop.append(stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    await asyncio.wait({task}, timeout=max(0.1, order["deadline"] - time.time()))
    if not task.done():
        ended = ended or "timeout"
        task.cancel()
        await asyncio.wait({task}, timeout=2)
    outcome: dict[str, Any] = {"kind": ended or "done", **state}
    if not ended:
        try:
            task.result()
        except BaseException as error:
            outcome = _failure(error, state)
    keep()
    if outcome["kind"] != "done" and manager.has_kernel:
        # The launcher ends whatever is left; this only frees files of a kernel that listens.
        try:
            await asyncio.wait_for(manager.shutdown_kernel(now=True), timeout=2)
        except Exception as error:
            outcome["shutdown"] = str(error)
    return outcome


def main(order_path: str) -> int:
    """Execute the order and write its outcome; returns 0 also when the notebook failed."""
    order = json.loads(Path(order_path).read_text("utf-8"))
    for place in order["path"]:
        if place not in sys.path:
            sys.path.append(place)
    outcome = asyncio.run(execute(order))
    save(order["outcome"], json.dumps(outcome))
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stdout.flush()
    # Threads of a stuck kernel client must not keep the process.
    os._exit(status)
