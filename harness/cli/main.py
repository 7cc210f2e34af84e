"""``harness``: its commands load when they are called, so that --help answers at once."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import warnings
from typing import Any, NoReturn

import click

from harness import __version__
from harness.core.errors import HarnessError, UserError, nearest

USER_MISTAKE = 2
INTERRUPTED = 130

COMMANDS = {
    "run": "Run methods on a task and write the table.",
    "export": "Write the tables of runs as CSV, Markdown, LaTeX or Parquet.",
    "tasks": "Propose, list, show and check tasks.",
    "prompts": "List, show and render prompt templates.",
    "methods": "List and show the ways of transfer.",
    "models": "List, show and fetch models.",
    "doctor": "Say what this machine has and what is missing.",
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line each, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Returns the names, in the order of a user's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Returns the command, imported."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command to call; of an unknown one, says which it may have been."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean {close!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the commands from their lines here, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs a command; a user's mistake ends in a few clear lines, never in a traceback."""
        signal.signal(signal.SIGTERM, _interrupt)
        warnings.showwarning = _show_warning
        try:
            code = super().main(*args, **(kwargs | {"standalone_mode": False}))
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _say("interrupted; the same command goes on from here")
            sys.exit(INTERRUPTED)
        except UserError as error:
            _say(f"error: {error}")
            sys.exit(USER_MISTAKE)
        except HarnessError as error:
            _say(f"error: {error}")
            sys.exit(1)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:  # a file that cannot be written, a disk that is full
            place = "" if error.filename is None else f"{error.filename}: "
            _say(f"error: {place}{error.strerror or error}")
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with:  harness run --task customer_emails --method prototypes --labels 8/class",
)
@click.version_option(__version__, prog_name="harness")
def main() -> None:
    """Which way of using a pre-trained model wins on your text task?

    Runs zero-shot and few-shot prompts, nearest neighbours, probes and fine-tuning on the same
    rows with the same labels, and says how well each does, how sure that is, and what it costs.
    """


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _show_warning(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    if category.__module__.startswith("harness."):
        _say(f"warning: {message}")


def _say(text: str) -> None:
    click.echo(text, err=True)
