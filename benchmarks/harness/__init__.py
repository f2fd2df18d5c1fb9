"""What runs the benchmarks: the data, the table of jobs, the measuring, the comparing, the page.

From the bottom up: `data` and `rule_sets` make the inputs, `jobs` says who does what with them, `measure` runs one
command and counts what all its processes used, `compare` holds the outputs against each other, `rounds` lets the
contenders run in turn, `targets`, `page` and `picture` show the results. `homes` makes the virtual environments.
"""
