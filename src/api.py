"""The `Pipeline` that people call from Python."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .pipeline.build import build_component, checked_plan, only_up_to
from .pipeline.load import load_file
from .pipeline.spec import PipelineOptions, PipelineSpec, Stage

if TYPE_CHECKING:
    from .engines.report import RunReport
    from .engines.run import Control
    from .pipeline.plan import Plan

__all__ = ["Pipeline", "StageHandle"]

_log = logging.getLogger(__name__)


class Pipeline:
    """Build, load and run a pipeline: readers, a merge, operators, events, writers.

    The families of SCL are methods, with the same variants and the same options (`reader` and `merge` here, the others
    of the handles; `StageHandle.stage` adds one of any family). Each returns a handle, from which to go on.

    >>> p = Pipeline("weather")
    >>> sf = p.reader("memory", name="sf", rows=[{"timestamp": "2010-01-01T01:00:00Z", "temp": 41.0}])
    >>> seattle = p.reader("memory", name="seattle", rows=[{"timestamp": "2010-01-01T00:30:00Z", "temp": 35.5}])
    >>> coast = p.merge("sorted", name="coast", inputs=[sf, seattle], tag="city")
    >>> cold = coast.filter("where", name="cold", condition={"temp": {"<": 50}})
    >>> [(row["city"], row["temp"]) for row in p.collect(cold)]
    [('seattle', 35.5), ('sf', 41.0)]

    Args:
        name: what the pipeline is called.
        dead_letters: file for records that could not be delivered; `NAME.dead.jsonl` if not given.
        base: folder that relative paths are relative to; the current one if not given.
        zone: zone whose calendar the days, weeks and months of windows follow, such as "Europe/Berlin".
    """

    def __init__(
        self, name: str, *, dead_letters: str | None = None, base: str | Path | None = None, zone: str = "UTC"
    ) -> None:
        self._name = name
        self._options = PipelineOptions(dead_letters=dead_letters, zone=zone)
        self._base = Path(base) if base is not None else None
        self._stages: dict[str, Stage] = {}
        self._loaded: PipelineSpec | None = None

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        base: str | Path | None = None,
        settings: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Pipeline:
        """Load a pipeline from a file in SCL.

        Args:
            path: the file.
            base: folder that relative paths in it are relative to; the current one if not given.
            settings: values that override those in the file: `{"coast.lateness": "5s"}`, as SCL text.

        Raises:
            ScriptError: all that is wrong in the file, each with its place.
            SourceError: the file cannot be read.
        """
        return cls.from_spec(load_file(path, settings), base=base)

    @classmethod
    def from_spec(cls, spec: PipelineSpec, *, base: str | Path | None = None) -> Pipeline:
        """Make a pipeline of a spec."""
        pipeline = cls(spec.name, base=base)
        pipeline._options = spec.options
        pipeline._stages = {stage.name: stage for stage in spec}
        pipeline._loaded = spec
        return pipeline

    @property
    def spec(self) -> PipelineSpec:
        """What has been built so far, frozen."""
        loaded = self._loaded
        if loaded is None:
            return PipelineSpec(self._name, tuple(self._stages.values()), self._options)
        return PipelineSpec(
            loaded.name, tuple(self._stages.values()), loaded.options, loaded.written, loaded.path, loaded.text
        )

    def __getitem__(self, name: str) -> StageHandle:
        """Return the handle of the stage of that name. Raises SpecError if there is none."""
        return StageHandle(self, self.spec[name].name)

    def add(
        self, family: str, variant: str, *, name: str | None, inputs: Sequence[Any], options: Mapping[str, Any]
    ) -> StageHandle:
        """Add a stage. The families are methods of their own; this is what they call.

        Raises:
            SpecError: no such component, an option it does not have, a value it cannot take, no such input.
        """
        component = build_component(family, variant, options)
        names = tuple(item.name if isinstance(item, StageHandle) else str(item) for item in inputs)
        stage = Stage(name or self._free_name(variant), component, names)
        PipelineSpec(self._name, (*self._stages.values(), stage))
        self._stages[stage.name] = stage
        return StageHandle(self, stage.name)

    def _free_name(self, variant: str) -> str:
        names = itertools.chain([variant], (f"{variant}_{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in self._stages)

    def reader(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Add a source: "csv", "file", "jsonl", "zeromq", "memory" (with `rows=`), or one from a package."""
        return self.add("reader", variant, name=name, inputs=(), options=options)

    def merge(self, variant: str, *, inputs: Sequence[Any], name: str | None = None, **options: Any) -> StageHandle:
        """Lay several stages into one stream in time order; ties go by the order of `inputs`."""
        return self.add("merge", variant, name=name, inputs=inputs, options=options)

    def plan(self) -> Plan:
        """Check the pipeline as a whole.

        Raises:
            ScriptError: of a pipeline from a file: all that is wrong, each with its place.
            SpecError: of a pipeline from Python: the first thing that is wrong; the others are notes of it.
        """
        return checked_plan(self.spec, self._base)

    def run(self, engine: str | None = None, *, control: Control | None = None, check: bool = True) -> RunReport:
        """Run the pipeline until all its sources have ended, and return the report. Blocks.

        Args:
            engine: "serial" (one process), "local" (worker processes); if not given, what suits the size of the job.
            control: to stop the run from another thread or a signal handler.
            check: raise what ended the run; if False it is in `report.error`.

        Raises:
            ScriptError, SpecError: the pipeline is wrong (see `plan`).
            PlaitError: what ended the run (SourceError, SinkError, OrderError, WorkerError, ...).
        """
        from .engines.run import run_plan

        report = run_plan(self.plan(), engine, control=control)
        if check and report.error is not None:
            raise report.error
        return report

    def collect(self, stage: StageHandle | str, *, engine: str | None = None) -> list[dict[str, Any]]:
        """Run what leads to one stage and return the rows that come out of it, as dicts. Writers are not run.

        What could not be delivered is in the dead letters; a warning is logged that says how many rows that is.

        Raises:
            SpecError: there is no such stage; and what `run` raises.
        """
        from .engines.run import run_plan
        from .writers import MemoryWriter

        name = stage.name if isinstance(stage, StageHandle) else stage
        writer = MemoryWriter()
        part = only_up_to(self.spec, name, writer)
        report = run_plan(checked_plan(part, self._base, whole=self.spec), engine)
        if report.error is not None:
            raise report.error
        if report.diverted:
            were = "row was" if report.diverted == 1 else "rows were"
            _log.warning("%s: %s %s not delivered; see %s", name, f"{report.diverted:,}", were, report.dead_letters)
        return writer.rows()

    def to_scl(self) -> str:
        """Write the pipeline as SCL. Raises ValueError where it holds what only Python can say."""
        from .pipeline.write import write_scl

        return write_scl(self.spec)


class StageHandle:
    """A stage of a pipeline that is being built: the place to go on from."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self.pipeline = pipeline
        self.name = name

    def __repr__(self) -> str:
        return f"<stage {self.name!r} of {self.pipeline.spec.name!r}>"

    def _then(self, family: str, variant: str, name: str | None, options: Mapping[str, Any]) -> StageHandle:
        return self.pipeline.add(family, variant, name=name, inputs=[self], options=options)

    def filter(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Keep some rows: `filter("where", condition={"temp": {">": 20}})`."""
        return self._then("filter", variant, name, options)

    def derive(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Add columns: `derive("columns", set={"celsius": "(temp - 32) * 5 / 9"})`."""
        return self._then("derive", variant, name, options)

    def map(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Make rows of rows: `map("python", function=f, state="f.sqlite")`, where f takes a dict, and the state."""
        return self._then("map", variant, name, options)

    def window(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Aggregate by time: `window("tumbling", size="1d", by=["city"], aggregate={"mean": {"mean": "celsius"}})`."""
        return self._then("window", variant, name, options)

    def join(self, variant: str, other: Any, *, name: str | None = None, **options: Any) -> StageHandle:
        """Join with another stage, the right one: `join("interval", answers, by="id", lower="0s", upper="2s")`."""
        return self.pipeline.add("join", variant, name=name, inputs=[self, other], options=options)

    def event(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Fire on the rows that match: `event("when", condition={...}, call=function)`; they are a stream, too."""
        return self._then("event", variant, name, options)

    def late(self, variant: str = "rows", *, name: str | None = None, **options: Any) -> StageHandle:
        """Take the late rows of a reader as a stream: `reader.late(name="late").writer("csv", path="late.csv")`."""
        return self._then("late", variant, name, options)

    def writer(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Write the stream: `writer("csv", path="out.csv")`. Returns the stage that was written, to go on from."""
        self._then("writer", variant, name, options)
        return self

    def select(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Keep some columns: `select("columns", keep=["timestamp", "temp"])`."""
        return self._then("select", variant, name, options)

    def rename(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Give columns other names: `rename("columns", set={"new": "old"})`."""
        return self._then("rename", variant, name, options)

    def drop(self, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Leave out some columns: `drop("columns", names=["status"])`."""
        return self._then("drop", variant, name, options)

    def stage(self, family: str, variant: str, *, name: str | None = None, **options: Any) -> StageHandle:
        """Add a stage of any family, such as `stage("select", "columns", keep=["a", "b"])`."""
        return self._then(family, variant, name, options)
