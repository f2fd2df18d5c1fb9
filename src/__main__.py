"""`python -m plait` is the command `plait`."""

import sys

if __name__ == "__main__":
    try:
        from .cli import program

        sys.exit(program())
    except KeyboardInterrupt:
        sys.exit(130)
