"""The folder benchmarks/ is no package and not on the path: its harness is imported from where it is."""

import importlib.util
import sys
from pathlib import Path

HARNESS = Path(__file__).resolve().parents[2] / "benchmarks" / "harness"

if "harness" not in sys.modules:
    spec = importlib.util.spec_from_file_location("harness", HARNESS / "__init__.py")
    sys.modules["harness"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["harness"])
