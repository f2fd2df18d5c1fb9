"""The command line. Logging and signals are set up here and nowhere else."""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .errors import PlaitError, ScriptError, SpecError

if TYPE_CHECKING:
    from .api import Pipeline
    from .engines.report import RunReport
    from .engines.run import Control

__all__ = ["main", "program"]

_DRAIN_SECONDS = 1.7
_DEMO = "examples/weather.scl"


def main(argv: Sequence[str] | None = None, home: Path | None = None) -> int:
    """Run a command and return its exit status. The program that calls this may go on: nothing of it is changed.

    0 done, 1 failed, 2 wrong usage, 3 done but rows went to dead letters; 128 + signal if stopped before the end.

    Args:
        argv: the words behind the command's name; those of the process if not given.
        home: the project's folder, where the demo is; the current folder if not given.
    """
    collecting, frozen = gc.isenabled(), gc.get_freeze_count()
    _start_fast()
    try:
        return _main(argv, home)
    except KeyboardInterrupt:  # before the run has begun to listen, or after it has ended
        return 128 + signal.SIGINT
    finally:
        if not frozen:
            gc.freeze()  # and back: what is there is old then, and the first new object does not have it looked through
            gc.unfreeze()
        if collecting:
            gc.enable()


def program(argv: Sequence[str] | None = None, home: Path | None = None) -> int:
    """Run a command, as `main` does, in a process that ends with it: at the exit no garbage is looked for."""
    atexit.register(gc.freeze)
    return main(argv, home)


def _start_fast() -> None:
    """Leave out of the start what takes time and brings nothing.

    Whatever is imported and planned stays, so garbage is looked for only when rows flow.
    OpenBLAS comes with numpy and has a thread for each core spin a while as it is imported; they shall sleep at once.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def _collect_garbage() -> None:
    """Look for garbage from now on, in what comes from now on."""
    gc.freeze()
    gc.enable()


def _main(argv: Sequence[str] | None, home: Path | None) -> int:
    level = os.environ.get("PLAIT_LOG", "WARNING").upper()
    if level not in logging.getLevelNamesMapping():
        sys.stderr.write(f"plait: PLAIT_LOG={level} is no level; there are debug, info, warning, error\n")
        return 2
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
    try:
        return int(cli.main(args=argv, prog_name="plait", standalone_mode=False, obj=home or Path.cwd()) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except BrokenPipeError:
        _leave_stdout()
        return 1
    except (PlaitError, OSError) as error:
        _complain(error)
        return 1
    finally:
        _flush_stdout()


def _complain(error: BaseException) -> None:
    text = str(error)
    sys.stderr.write((text if isinstance(error, ScriptError) else f"plait: {text}") + "\n")
    for note in getattr(error, "__notes__", ()):
        sys.stderr.write(f"  {note}\n")


def _redacted(text: str, pipeline: Pipeline) -> str:
    from .pipeline.environment import redact

    written = [option for stage in pipeline.spec for option in stage.written.values()]
    return redact(text, written, numbers=text.startswith("error: "))


def _leave_stdout() -> None:
    from .writers.standard_output import leave_stdout

    leave_stdout()


def _flush_stdout() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _leave_stdout()


def _version() -> str:
    from . import __version__

    return __version__


class _Ordered(click.Group):
    """Commands in the order of use, and the nearest name for one that is not there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant. Raises UsageError that names what may have been meant instead."""
        from .errors import nearest

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], self.commands)
            is_file = args[0].endswith(".scl")
            hint = f"plait run {args[0]}" if is_file else near and f"plait {near}"
            if hint:
                raise click.UsageError(f"{error.message} Did you mean `{hint}`?", ctx) from error
            raise


@click.group(cls=_Ordered, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="plait")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Lay many timestamped streams into one stream in time order, and act on it.

    Without a command: run the demo, a year of temperatures of two cities.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but rows went to dead letters. Functions of events that raise
    lose no rows: they are told on stderr.
    """
    return 0 if ctx.invoked_subcommand else _demo(ctx.obj)


def _settings(ctx: click.Context, parameter: click.Parameter, values: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [tuple(value.split("=", 1)) for value in values]
    for value, pair in zip(values, pairs, strict=True):
        if len(pair) != 2 or "." not in pair[0]:
            raise click.BadParameter(f"{value!r} is not stage.option=value", ctx=ctx, param=parameter)
    return pairs  # type: ignore[return-value]


_FILE = click.argument("file", type=click.Path(path_type=Path))
_SET = click.option(
    "--set", "settings", multiple=True, metavar="STAGE.OPTION=VALUE", callback=_settings, help="Override an option."
)
_ENGINE = click.option(
    "--engine", type=click.Choice(["serial", "local"]), help="One thread, or in parallel. Default: what suits the job."
)


@cli.command()
@_FILE
@_ENGINE
@_SET
@click.option("--quiet", "-q", is_flag=True, help="No progress, no ledger; errors only.")
@click.option("--summary", is_flag=True, help="The ledger at the end even if this is not a terminal.")
def run(file: Path, engine: str | None, settings: list[tuple[str, str]], quiet: bool, summary: bool) -> int:
    """Run the pipeline in FILE."""
    pipeline = _load(file, settings)
    terminal = sys.stderr.isatty() and not quiet
    report = _run(pipeline, engine, progress=terminal)
    if terminal or summary:
        from .summary import summary_lines

        for line in summary_lines(report):
            click.echo(_redacted(line, pipeline) if line.startswith("note: ") else line, err=True)
    return _close(report, pipeline)


@cli.command()
@_FILE
@_SET
def check(file: Path, settings: list[tuple[str, str]]) -> int:
    """Show all mistakes in FILE at once; exit status 1 if there are any."""
    pipeline = _load(file, settings)
    plan = pipeline.plan()
    for note in plan.notes:
        click.echo(f"note: {_redacted(note, pipeline)}", err=True)
    click.echo(f"{file}: {len(plan.spec.stages)} stages, no mistakes")
    return 0


@cli.command()
@click.argument("what", metavar="[FILE|COMPONENT]", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "svg"]), default="text", help="How FILE is shown."
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")
@_ENGINE
@_SET
def show(what: str | None, form: str, output: Path | None, engine: str | None, settings: list[tuple[str, str]]) -> int:
    """Show the plan of a pipeline FILE, as text or picture, or the card of a COMPONENT such as csv or reader=csv."""
    if what is None:
        text = _catalogue()
    elif Path(what).is_file() or what.endswith(".scl"):
        text = _picture(Path(what), form, engine, settings)
    else:
        text = _cards(what)
    if output is not None:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text)
    return 0


@cli.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 if a file would change.")
@click.option("--stdout", is_flag=True, help="Write the result to stdout instead of the file.")
def fmt(files: Sequence[Path], only_check: bool, stdout: bool) -> int:
    """Lay out FILES in the one canonical way; comments stay."""
    changed = [file for file in files if _format(file, only_check=only_check, stdout=stdout)]
    for file in changed:
        if not stdout:
            click.echo(f"{'would change' if only_check else 'changed'}: {file}", err=True)
    return 1 if changed and only_check else 0


def _format(file: Path, *, only_check: bool, stdout: bool) -> bool:
    from .lexer import format_text
    from .pipeline.load import read_script

    text = read_script(file)
    try:
        new = format_text(text)
    except ScriptError as error:
        raise ScriptError(error.mistakes, path=str(file), text=text) from error
    if stdout:
        click.echo(new, nl=False)
    elif new != text and not only_check:
        file.write_text(new, encoding="utf-8", newline="")
    return new != text


def _load(file: Path, settings: Sequence[tuple[str, str]] = (), base: Path | None = None) -> Pipeline:
    from .api import Pipeline

    try:
        return Pipeline.load(file, settings=settings, base=base)
    except SpecError as error:
        if error.component == "--set":
            raise click.UsageError(str(error)) from error
        raise


def _run(pipeline: Pipeline, engine: str | None, *, progress: bool) -> RunReport:
    from .engines.run import Control, run_plan

    control = Control()
    with contextlib.ExitStack() as stack:
        if progress:
            from rich.console import Console

            from .progress import live_progress

            stack.enter_context(live_progress(control, Console(stderr=True)))
        stack.enter_context(_signals(control))
        plan = pipeline.plan()
        _collect_garbage()
        return run_plan(plan, engine, control=control)


@contextlib.contextmanager
def _signals(control: Control) -> Iterator[None]:
    """The first SIGINT or SIGTERM asks the run to drain, a second one kills it, and so does a drain that hangs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            _kill(number)
        asked = True  # before anything is said: whoever reads it may send the second one at once
        sys.stderr.write("plait: stopping; once more kills\n")
        control.stop(number)
        deadline.start()

    deadline = threading.Timer(_DRAIN_SECONDS, lambda: _kill(control.asked_by or signal.SIGINT, hung=True))
    deadline.daemon = True
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        deadline.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill(number: int, *, hung: bool = False) -> None:
    """End this process at once; its workers see that it is gone, and end too."""
    if hung:
        sys.stderr.write(f"plait: the run did not end within {_DRAIN_SECONDS} s; killed\n")
        sys.stderr.flush()
    os._exit(128 + number)


def _close(report: RunReport, pipeline: Pipeline) -> int:
    from .summary import outcome

    for line in outcome(report):
        sys.stderr.write(f"plait: {_redacted(line, pipeline)}\n")
    if report.error is not None and not isinstance(report.error, PlaitError):
        logging.getLogger("plait").error("this is no error that plait knows", exc_info=report.error)
    return report.exit_code


def _picture(file: Path, form: str, engine: str | None, settings: Sequence[tuple[str, str]]) -> str:
    from .pipeline import describe

    pipeline = _load(file, settings)
    if form == "text":
        from .util.cores import cores

        return describe.plan_text(pipeline.plan(), cores(), engine)
    return describe.mermaid(pipeline.spec) if form == "mermaid" else describe.svg(pipeline.spec)


def _cards(what: str) -> str:
    from .pipeline import describe
    from .pipeline.registry import find_components

    return "\n\n".join(describe.card(component) for component in find_components(what))


def _catalogue() -> str:
    from .pipeline.registry import all_components

    lines = ["Components (plait show NAME prints the card of one):"]
    for component in all_components():
        first = (component.__doc__ or "").strip().split("\n")[0]
        lines.append(f"  {component.title():<20} {first}")
    return "\n".join(lines)


def _demo(home: Path) -> int:
    """Run the demo pipeline on the data of the repository, and show what came of it."""
    from .summary import summary_lines

    file = home / _DEMO
    if not file.is_file():
        raise click.UsageError(f"there is no demo here ({file}); plait --help shows the commands")
    pipeline = _load(file, base=home)
    report = _run(pipeline, None, progress=sys.stderr.isatty())
    for line in summary_lines(report):
        click.echo(line)
    status = _close(report, pipeline)
    click.echo(_NEXT)
    return status


_NEXT = """
Look at out/weather.svg: the mean of seven days of either city, as the pipeline has drawn it.

Try next:
  python main.py show examples/weather.scl        what just ran, stage by stage
  python main.py show reader=csv                  the card of a component; show alone lists them all
  ./venv/bin/python examples/observatory/fly.py   five sources, recorded and live, readings out of limits"""
