#!/bin/bash
# Polars 2.1.0: a cast that is asked to be lenient (`strict=False`) gives null for what a type does not hold, of floats to
# integers among others; of a number with more digits than a Decimal's precision it raises a ComputeError instead.
# One would expect null there, too. Exits with 1 once that has changed.
set -eu
T="$(mktemp -d)"
trap 'rm -rf "$T"' EXIT
uv venv -q "$T/venv"
uv pip install -q --python "$T/venv/bin/python" polars==2.1.0
"$T/venv/bin/python" - <<'P'
import sys

import polars as pl

numbers = pl.Series([12.34, 1234.5])
print("polars", pl.__version__)
print("to Int8:", numbers.cast(pl.Int8, strict=False).to_list())
try:
    print("to Decimal(4, 2):", numbers.cast(pl.Decimal(4, 2), strict=False).to_list())
except pl.exceptions.ComputeError as error:
    print("to Decimal(4, 2): ComputeError:", error)
    sys.exit(0)
sys.exit(1)
P
