#!/bin/sh
# Rendered by `slipway stack render`, the same for every project.
# slim.sh FOLDER: takes from installed packages what running them never reads. Kept are RECORD and METADATA, by which a
# library's version is found, and sources, whose lines tracebacks show.
set -eu
# Symbols for debuggers: two fifths of some wheels. What a wheel bundles has been patched already, and stays as it is.
find "$1" -type f \( -name '*.so' -o -name '*.so.[0-9]*' \) ! -path '*.libs/*' -exec strip --strip-unneeded {} +
find "$1" -type d -path '*/site-packages/*' \( -name tests -o -name test -o -name sboms \) -prune -exec rm -rf {} +
# For compilers and type checkers.
find "$1" -type f -regex '.*/site-packages/.*\.\(pyi\|pyx\|pxd\|pxi\|tp\|h\|hpp\|c\|cc\|cpp\|a\)' -delete
# When a wheel was written, which would make the same installation another one.
find "$1" -type f -name uv_cache.json -delete -exec sh -c 'sed -i /uv_cache.json/d "${1%/*}/RECORD"' - {} \;
