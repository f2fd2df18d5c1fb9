"""The local engine on a pool that is smaller than the machine."""

from __future__ import annotations

import pytest
from plait import Pipeline
from plait.util import MultiProcessing, pools

pytestmark = pytest.mark.processes

ROWS = 120_000


@pytest.fixture
def one_worker(monkeypatch):
    """A pool of one worker on a machine that says it has eight cores."""
    MultiProcessing().terminate()
    MultiProcessing().GlobalProcessPool(1)
    monkeypatch.setattr(pools, "cores", lambda: 8)
    yield
    MultiProcessing().terminate()


@pytest.mark.timeout(60)
def test_a_pool_with_fewer_workers_than_sources_reads_them_all(one_worker, tmp_path):
    pipeline = Pipeline("small", base=tmp_path)
    sources = []
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text("timestamp\n" + "".join(f"{n}\n" for n in range(ROWS)))
        sources.append(pipeline.reader("csv", name=name, path=f"{name}.csv", timestamp="timestamp", unit="s"))
    pipeline.merge("sorted", name="all", inputs=sources).writer("csv", path="all.csv")
    report = pipeline.run("local")
    assert (report.engine, report.rows_out, report.imbalances) == ("local", 3 * ROWS, ())
