"""The table of jobs: what is to be done, on how much data, and by whom.

A contender is a command. In it stand `{python}` for the Python of its environment, `{here}` for this folder, `{data}`,
`{output}`, `{rules}` (the folder with the rules) and `{rows}`. plait runs a pipeline file as its users do, and finds
its files by the environment: DATA, RULES and OUTPUT.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .compare import Order

__all__ = ["JOBS", "PLAIT", "Contender", "Data", "Job", "Shows"]

PLAIT = "plait"


class Shows(enum.Enum):
    """What the table of a job shows."""

    RATE = "rows a second"
    WAIT = "how long one row is under way"
    TIME = "how long the whole process takes"


class Data(enum.Enum):
    """What the rows of the files are."""

    READINGS = "data"
    KEYS = "keys"
    ONE_KEY = "one-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who does a job, and how.

    Attributes:
        name: as the tables show it; that of a package, if it is one.
        command: words, with placeholders.
        home: the environment that it runs in, see `homes`.
        package: the distribution whose version is shown.
        order: what of the order of its output does not count.
        columns: how many columns of its output count; all if not given.
        rules: the rules that it has, where the contenders of a job have different ones.
        most: rows at most, where more would take too long; rates are compared then.
        note: what one has to know of it.
    """

    name: str
    command: tuple[str, ...]
    home: str = "plait"
    package: str | None = None
    order: Order | None = None
    columns: int | None = None
    rules: str | None = None
    most: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One table of the page.

    Attributes:
        name: for `--only`.
        title: the heading of its table.
        what: what is to be done, for the page.
        rows: how many, in a full run; `quick_rows` with `--quick`.
        contenders: the first decides what is right.
        order: what of the order of outputs does not count, for all contenders.
        rules: which rules the job has, of those of `rule_sets`; none if not given.
        data: which files are to be read; None: there are none.
        output: is there one to be compared? Else the contender prints what it found, as JSON.
        shows: what its table shows.
        unit: what its rows are.
        runs: at least so many in a full run: short ones need more.
    """

    name: str
    title: str
    what: str
    rows: int
    quick_rows: int
    contenders: tuple[Contender, ...]
    order: Order = Order.EXACT
    rules: str | None = None
    data: Data | None = Data.READINGS
    output: bool = True
    shows: Shows = Shows.RATE
    unit: str = "rows"
    runs: int = 1


def script(name: str, path: str, *more: str, **options: object) -> Contender:
    """Return a contender that is a script of this folder, given the data and the output."""
    words = ("{python}", "{here}/" + path, *(more or ("{data}", "{output}")))
    return Contender(name=name, command=words, **options)  # type: ignore[arg-type]


def pipeline(path: str) -> Contender:
    """Return plait, running a pipeline file as its users do."""
    return Contender(name=PLAIT, command=("{python}", "-m", "plait", "run", path), package="plait")


def five(folder: str, *words: str, columns: int, keyed: bool = False) -> tuple[Contender, ...]:
    """Return csp, bytewax, pathway, Polars and DuckDB with their scripts in `folder`.

    Args:
        folder: where the scripts are.
        words: what they are given, if it is more than the data and the output.
        columns: how many columns the output has; pathway adds two of its own.
        keyed: is it a job by key? bytewax does it key by key, and so come its rows.
    """
    unordered = "its rows come in no order; compared as a set"
    by_key = {"order": Order.SET, "note": "its rows come key by key; compared as a set"} if keyed else {}
    return (
        script("csp", f"{folder}/with_csp.py", *words, home="apart", package="csp"),
        script("bytewax", f"{folder}/with_bytewax.py", *words, package="bytewax", **by_key),
        script(
            "pathway",
            f"{folder}/with_pathway.py",
            *words,
            home="apart",
            package="pathway",
            order=Order.SET,
            columns=columns,
            note=unordered,
        ),
        script("Polars", f"{folder}/with_polars.py", *words, package="polars"),
        script("DuckDB", f"{folder}/with_duckdb.py", *words, package="duckdb"),
    )


def hop(name: str, path: str, job: str, **options: object) -> Contender:
    """Return a contender of a hop, which is told what to do and how often."""
    return script(name, f"hop/{path}", job, "{rows}", **options)


def latency(name: str, rate: int, *command: str, package: str) -> Contender:
    """Return a receiver of messages that come at a rate."""
    words = ("{python}", "{here}/latency/drive.py", str(rate), "{rows}", *command)
    return Contender(name=name, command=words, package=package)


def event_contenders(rules: int | str, most: int | None) -> tuple[Contender, ...]:
    """Return plait and lambdas with the same rules; the lambdas get `most` events, as they try them all."""
    title = f"{rules} rules" if isinstance(rules, str) else "1 rule" if rules == 1 else f"{rules:,} rules"
    words = ("{rows}", "{rules}")
    name = "mixed" if isinstance(rules, str) else str(rules)
    return (
        script(f"lambdas, {title}", "events/lambdas.py", *words, rules=name, most=most),
        script(f"{PLAIT}, {title}", "events/with_plait.py", *words, rules=name),
    )


PLAIN = "plain Python"
BATCHES = "a thousand rows at a time"

JOBS: tuple[Job, ...] = (
    Job(
        name="merge",
        title="Merge, typed",
        what="Eight CSV files into one in the order of time, ties by file; every column has its type.",
        rows=2_000_000,
        quick_rows=100_000,
        contenders=(
            script(PLAIN, "merge/plain.py", note="csv.DictReader and heapq.merge; times stay text"),
            pipeline("{here}/merge/merge.scl"),
            *five("merge", columns=6),
        ),
    ),
    Job(
        name="as_read",
        title="Merge, rows as read",
        what="The same merge, but each row goes out with the very text that it came in with.",
        rows=2_000_000,
        quick_rows=100_000,
        contenders=(
            script("heapq.merge", "merge/plain_lines.py", note="plain Python over raw lines"),
            pipeline("{here}/merge/as_read.scl"),
            Contender(
                name="sort -m",
                command=("bash", "{here}/merge/sort_m.sh", "{data}", "{output}"),
                note="GNU sort over raw lines",
            ),
        ),
    ),
    Job(
        name="derive",
        title="Filter and derive",
        what="The same merge; of the rows with `temperature > 20 and status != fail`, with two derived columns.",
        rows=2_000_000,
        quick_rows=100_000,
        contenders=(
            script(PLAIN, "derive/plain.py"),
            pipeline("{here}/derive/derive.scl"),
            *five("derive", columns=8),
        ),
    ),
    Job(
        name="rules",
        title="Rules, 100",
        what="100 mixed conditions (equalities, ranges, lists, nested and/or) on the merged stream; out come the "
        "triggers (timestamp, rule) in order, those of one time in any order.",
        rows=2_000_000,
        quick_rows=100_000,
        order=Order.TIES,
        rules="mixed",
        contenders=(
            script(PLAIN, "rules/plain.py", "{data}", "{output}", "{rules}", note="a lambda for each rule"),
            pipeline("{here}/rules/rules.scl"),
            *five("rules", "{data}", "{output}", "{rules}", columns=2),
        ),
    ),
    *(
        Job(
            name=f"rules{count}",
            title=f"Rules, {count:,} of one shape",
            what=f"{count:,} rules `sensor = X and temperature > t` on the merged stream; out come their triggers.",
            rows=2_000_000,
            quick_rows=100_000,
            order=Order.TIES,
            rules=str(count),
            contenders=(
                script(
                    PLAIN,
                    "many_rules/plain.py",
                    *("{data}", "{output}", "{rules}"),
                    note="bounds in a dict of sorted lists, looked up by hand",
                ),
                pipeline("{here}/rules/rules.scl"),
                script(
                    "Polars",
                    "many_rules/with_polars.py",
                    *("{data}", "{output}", "{rules}"),
                    package="polars",
                    note="a join",
                ),
                script(
                    "DuckDB",
                    "many_rules/with_duckdb.py",
                    *("{data}", "{output}", "{rules}"),
                    package="duckdb",
                    note="a join",
                ),
            ),
        )
        for count in (10, 10_000)
    ),
    Job(
        name="calls",
        title="A callback per row",
        what="The same merge; a Python function is called with every row, a dict, for a condition that always holds.",
        rows=2_000_000,
        quick_rows=100_000,
        contenders=(
            script(PLAIN, "calls/plain.py", "{data}"),
            pipeline("{here}/calls/calls.scl"),
            *five("calls", "{data}", columns=2),
        ),
    ),
    *(
        Job(
            name=name,
            title=title,
            what=what,
            rows=2_000_000,
            quick_rows=100_000,
            contenders=(
                script(PLAIN, f"{name}/plain.py"),
                pipeline(f"{{here}}/{name}/{name}.scl"),
                *five(name, columns=5, keyed=True),
            ),
        )
        for name, title, what in (
            (
                "windows",
                "Windows of a minute",
                "Rows with `temperature > 20 and status != fail`: count, mean and maximum of each sensor and minute.",
            ),
            (
                "sessions",
                "Sessions",
                "Failures of a sensor that follow each other within two minutes, as one row each time.",
            ),
            ("joins", "Interval join", "Each failure with the warnings of its sensor in the minute before it."),
        )
    ),
    Job(
        name="hop",
        title="Hop, dicts",
        what="Small dicts (four fields) from one process to another, from the first put to the last get.",
        rows=1_000_000,
        quick_rows=100_000,
        data=None,
        output=False,
        contenders=(
            hop("multiprocessing.Queue", "mp_queue.py", "dicts"),
            hop(PLAIT, "plait_queue.py", "dicts", package="plait"),
            hop("plait, maxsize=10,000", "plait_queue_bounded.py", "dicts"),
            hop("multiprocessing.Queue, maxsize=10,000", "mp_queue_bounded.py", "dicts"),
            hop("multiprocessing.Queue, lists", "mp_queue_lists.py", "dicts", note=BATCHES),
            hop("Manager().Queue()", "manager_queue.py", "dicts", most=20_000),
            hop("faster-fifo, put_many/get_many", "with_faster_fifo.py", "dicts", package="faster-fifo", note=BATCHES),
            hop("faster-fifo", "with_faster_fifo_single.py", "dicts", package="faster-fifo"),
            hop("pyzmq", "with_pyzmq.py", "dicts", package="pyzmq", note="send_pyobj, recv_pyobj"),
            hop("pyzmq, lists", "with_pyzmq_lists.py", "dicts", package="pyzmq", note=BATCHES),
        ),
    ),
    Job(
        name="frames",
        title="Hop, frames",
        what="Polars frames of 50,000 rows and six columns from one process to another; the receiver adds up a column. "
        "One frame before them does not count.",
        rows=5_000_000,
        quick_rows=1_000_000,
        data=None,
        output=False,
        contenders=(
            hop("multiprocessing.Queue", "frames_mp_queue.py", "frames", note="pickled"),
            hop(PLAIT, "frames_plait.py", "frames", package="plait"),
            hop("pyzmq", "frames_pyzmq.py", "frames", package="pyzmq", note="Arrow streams, by hand"),
        ),
    ),
    Job(
        name="idle",
        title="Hop, an idle queue",
        what="A dict every two milliseconds: how long it takes from put to get.",
        shows=Shows.WAIT,
        rows=1_000,
        quick_rows=300,
        data=None,
        output=False,
        contenders=(
            hop("multiprocessing.Queue", "mp_queue.py", "idle"),
            hop(PLAIT, "plait_queue.py", "idle", package="plait"),
            hop("Manager().Queue()", "manager_queue.py", "idle"),
            hop("faster-fifo", "with_faster_fifo_single.py", "idle", package="faster-fifo"),
            hop("pyzmq", "with_pyzmq.py", "idle", package="pyzmq"),
        ),
    ),
    *(
        Job(
            name=f"latency{rate}",
            title=f"Latency at {rate:,} messages a second",
            what="ZeroMQ messages of JSON, through reader, merge and condition to a callback: how long each of them is "
            "under way. The first second does not count. CPU and memory are those of sender and receiver together.",
            rows=10 * rate,
            quick_rows=3 * rate,
            data=None,
            output=False,
            shows=Shows.WAIT,
            contenders=(
                latency("a bare SUB loop", rate, "{python}", "{here}/latency/bare.py", package="pyzmq"),
                latency(PLAIT, rate, "{python}", "-m", "plait", "run", "{here}/latency/latency.scl", package="plait"),
            ),
        )
        for rate in (1_000, 10_000)
    ),
    Job(
        name="events",
        title="Dict events through EventManager",
        what="One process: events (dicts) are held against rules `sensor = X and temperature > t`, or 100 mixed ones; "
        "the callback of each rule that holds is called.",
        rows=100_000,
        quick_rows=10_000,
        data=None,
        output=False,
        unit="events",
        contenders=tuple(
            contender
            for count, most in (
                (1, None),
                (10, None),
                (100, 50_000),
                (1_000, 5_000),
                (10_000, 500),
                ("100 mixed", 20_000),
            )
            for contender in event_contenders(count, most)
        ),
    ),
    Job(
        name="start",
        title="Start",
        what="Whole processes: how long one waits for the least that can be done.",
        rows=200,
        quick_rows=200,
        output=False,
        shows=Shows.TIME,
        runs=10,
        contenders=(
            Contender(name="python -c pass", command=("{python}", "-c", "pass")),
            Contender(name="plait --help", command=("{python}", "-m", "plait", "--help"), package="plait"),
            Contender(name="plait check", command=("{python}", "-m", "plait", "check", "{here}/merge/merge.scl")),
            Contender(name="plait run, 200 rows", command=("{python}", "-m", "plait", "run", "{here}/merge/merge.scl")),
            Contender(name="import polars", command=("{python}", "-c", "import polars"), package="polars"),
            script("Polars, 200 rows", "start/polars_rows.py"),
        ),
    ),
    Job(
        name="scl",
        title="Reading SCL",
        what="A pipeline file of many lines is parsed.",
        rows=20_000,
        quick_rows=5_000,
        data=None,
        output=False,
        unit="lines",
        contenders=(
            script(PLAIT, "scl/plait_parse.py", "{rows}", package="plait", note="parse: dicts"),
            script("plait, nodes with places", "scl/plait_nodes.py", "{rows}"),
            script("json.loads", "scl/json_loads.py", "{rows}", note="of the same tree"),
        ),
    ),
    *(
        Job(
            name=name,
            title=title,
            what=f"{what} in a window of a day: count, mean and maximum of each key.",
            rows=rows,
            quick_rows=quick_rows,
            data=data,
            contenders=(
                script(PLAIN, "keys/plain.py"),
                pipeline("{here}/keys/keys.scl"),
                script("Polars", "keys/with_polars.py", package="polars"),
                script("DuckDB", "keys/with_duckdb.py", package="duckdb"),
            ),
        )
        for name, title, what, rows, quick_rows, data in (
            ("keys", "A million keys", "As many keys as rows", 1_000_000, 100_000, Data.KEYS),
            ("one_key", "Rows of one key", "One key in all rows", 10_000_000, 1_000_000, Data.ONE_KEY),
        )
    ),
    Job(
        name="large",
        title="Memory and growth",
        what="The typed merge with ten times as many rows.",
        rows=20_000_000,
        quick_rows=1_000_000,
        contenders=(
            script("Polars", "merge/with_polars.py", package="polars"),
            pipeline("{here}/merge/merge.scl"),
            script("DuckDB", "merge/with_duckdb.py", package="duckdb"),
        ),
    ),
)
