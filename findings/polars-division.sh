#!/bin/bash
# Polars 2.1.0: a column divided by a literal has another last bit in one row than in many.
#
# What happens: `pl.col("x") / 86_400` over many rows is done as a multiplication by 1 / 86_400, which rounds twice; over a
# table of one row it is a division, as in Python. About three in ten values differ in the last bit.
# Expected: the value of a row does not depend on how many rows stand beside it. Multiplying by (1 / 86_400) oneself does that.
set -eu
where=$(mktemp -d)
trap 'rm -rf "$where"' EXIT
uv venv --quiet "$where/venv"
uv pip install --quiet --python "$where/venv/bin/python" polars==2.1.0
"$where/venv/bin/python" - <<'PYTHON'
import sys

import polars as pl

seconds = [1_700_000_000 + 7_919 * i for i in range(10_000)]
day, inverse = pl.col("x") / 86_400, pl.col("x") * (1 / 86_400)
many = pl.DataFrame({"x": seconds}).select(day.alias("divided"), inverse.alias("multiplied"))
alone = [pl.DataFrame({"x": [second]}).select(day.alias("divided"), inverse.alias("multiplied")).row(0) for second in seconds]
divided = sum(a != b[0] for a, b in zip(many["divided"], alone))
multiplied = sum(a != b[1] for a, b in zip(many["multiplied"], alone))
python = sum(second / 86_400 != one[0] for second, one in zip(seconds, alone))
print(f"polars {pl.__version__}: of {len(seconds):,} values {divided:,} differ between one row and many when divided,")
print(f"{multiplied:,} when multiplied by the inverse; one row differs from Python's own division in {python:,}.")
sys.exit(0 if divided and not multiplied and not python else 1)
PYTHON
