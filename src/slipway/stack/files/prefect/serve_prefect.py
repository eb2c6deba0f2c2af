"""Prefect's server: settings and the file of a password in its environment, requests answered."""

import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    if password := os.environ.get("DATABASE_PASSWORD_FILE"):
        # Where the address has none the driver takes it from here: it stands in no setting and in no line of a log.
        try:
            os.environ["PGPASSWORD"] = Path(password).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            sys.exit(f"{password}: {error.strerror}. `slipway stack secrets` makes what is missing.")
    sys.argv = ["prefect", "server", "start"]
    runpy.run_module("prefect", run_name="__main__")


if __name__ == "__main__":
    main()
