"""The command line: the whole engine without a notebook, for scripts, CI and terminals.

Every command ends with an exit code that tells the truth (0 only when what was asked for is
there) and with the next command to try.
"""

from __future__ import annotations

import click

from paper2code.cli._build import approve, build, record, replay, run
from paper2code.cli._demo import demo
from paper2code.cli._doctor import doctor
from paper2code.cli._edit import answer, edit, rename, set_value, undo
from paper2code.cli._errors import Group
from paper2code.cli._execute import execute
from paper2code.cli._inspect import cost, export, questions, status


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paper2code")
def main() -> None:
    r"""Turn a machine-learning paper into a repository and a notebook that run.

    \b
    paper2code demo                     the bundled paper, no key, no network
    paper2code run paper.pdf            all stages, stopping where you decide
    paper2code status paper/            what is fresh, stale and why
    """


for command in (
    run,
    status,
    questions,
    answer,
    set_value,
    edit,
    rename,
    approve,
    build,
    undo,
    execute,
    cost,
    replay,
    record,
    export,
    doctor,
    demo,
):
    main.add_command(command)

__all__ = ["main"]
