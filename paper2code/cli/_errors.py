"""Errors at the edge: one clear paragraph and an exit code, never a traceback."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import click

from paper2code.errors import (
    BuildFailedError,
    GateClosedError,
    HandoffPendingError,
    Paper2CodeError,
)

STOPPED = 130
WAITING = 3


class Group(click.Group):
    """A command group that turns our errors into messages.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 waits for a person (a gate, a hand-off),
    130 stopped with Ctrl-C.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; map what it raises to a message and a code."""
        try:
            return super().invoke(ctx)
        except GateClosedError as error:
            click.echo(f"\nWaiting: {error}", err=True)
            ctx.exit(WAITING)
        except HandoffPendingError as error:
            click.echo(f"\nWaiting: {error}", err=True)
            ctx.exit(WAITING)
        except BuildFailedError as error:
            click.echo(f"\nFailed: {error}", err=True)
            for node, message in error.failures.items():
                click.echo(f"  {node}: {message}", err=True)
            click.echo("What was finished is kept. Run the same command again to go on.", err=True)
            ctx.exit(1)
        except Paper2CodeError as error:
            click.echo(f"\nError: {error}", err=True)
            ctx.exit(1)
        except (KeyboardInterrupt, concurrent.futures.CancelledError):
            click.echo(
                "\nStopped. What was finished is kept; run the same command again to go on.",
                err=True,
            )
            ctx.exit(STOPPED)
