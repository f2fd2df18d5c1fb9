"""SCL text of the usual kind, by the line; and a clock around what reads it."""

import json
import sys
import time

KINDS = (
    'reader=csv(name=in{n} path="data/in{n}.csv" timestamp=date format="%Y/%m/%d %H:%M" lateness=2s)',
    "filter=where(name=valid{n} from=in{n} condition=(temp>-50 not=(status=fail)))",
    'event=when(name=heat{n} condition=(celsius>30 source=[seattle sf]) print="{{timestamp}}: {{celsius:.1f}} C")',
    'derive=columns(name=metric{n} set=(celsius="(temp - 32) * 5 / 9"))  # to degrees Celsius',
)


def race(read, prepare=lambda text: text):
    """Read as many lines as the command line says, and print how long that took."""
    lines = int(sys.argv[1])
    text = prepare("\n".join(KINDS[number % len(KINDS)].format(n=number) for number in range(lines)))
    begin = time.perf_counter()
    tree = read(text)
    seconds = time.perf_counter() - begin
    assert len(tree) == lines
    print(json.dumps({"seconds": seconds}))
