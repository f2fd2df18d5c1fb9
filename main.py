"""The door: `python main.py` runs plait in ./venv, whatever Python it was started with.

Kept in the syntax of Python 3.8, so that an old Python gets as far as saying what is missing.
"""

import atexit
import gc
import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / "venv"
SENT_ON = "PLAIT_SENT_ON"


def is_at_home() -> bool:
    """Tell whether this is the Python of ./venv, or, where there is no ./venv, one that has plait."""
    if VENV.exists():
        return Path(sys.prefix).resolve() == VENV.resolve()
    return sys.version_info >= (3, 11) and importlib.util.find_spec("plait") is not None


def go_home() -> None:
    """Become the Python of ./venv. Says what to run if there is none."""
    python = VENV / "bin" / "python"
    if os.environ.pop(SENT_ON, None) or not os.access(str(python), os.X_OK):
        sys.exit("plait is not installed here yet. Run this first, then again what you ran:\n\n    ./requirements.sh\n")
    os.environ[SENT_ON] = "1"
    os.execv(str(python), [str(python), str(ROOT / "main.py"), *sys.argv[1:]])  # noqa: S606


def run() -> int:
    """Run the command line of plait, with this folder as its home."""
    os.environ.pop(SENT_ON, None)
    try:
        from plait.cli import main
    except ModuleNotFoundError as error:
        sys.exit("./venv is not complete ({}). Run this first:\n\n    ./requirements.sh\n".format(error))  # noqa: UP032
    atexit.register(gc.freeze)  # at the exit no garbage is looked for
    return main(sys.argv[1:], home=ROOT)


if __name__ == "__main__":
    try:
        if not is_at_home():
            go_home()
        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(130)
