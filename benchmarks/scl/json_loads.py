"""json.loads of the same tree, written by json.dumps: C code for a simpler grammar."""

import json

from plait.lexer import parse
from text import race

if __name__ == "__main__":
    race(json.loads, lambda text: json.dumps(parse(text), default=float))
