"""Another Python process in which some libraries can't be imported, as where they are not installed."""

import os
from collections.abc import Sequence
from pathlib import Path

TABLES = ("polars", "pyarrow", "pandas", "duckdb")
TRAINING = ("mlflow", "mlflow_skinny", "sqlalchemy", "alembic", "matplotlib", "dvc", "adbc_driver_postgresql", "git")

_SITE = """
import os, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())

def written(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        note(arguments[0])
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.chmod", "sqlite3.connect"):
        note(arguments[0])

def note(path):
    if isinstance(path, (str, bytes, os.PathLike)):
        os.write(log, (os.path.abspath(os.fsdecode(path)) + "\\n").encode())

log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(written)
"""


class Without:
    """What such a process is given, and the paths that it wrote to, or would have made, removed or renamed."""

    def __init__(self, folder: Path, missing: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "written.txt"
        (folder / "sitecustomize.py").write_text(_SITE.format(missing=set(missing), log=str(self._log)))
        self.environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}

    def written(self) -> set[Path]:
        return {Path(line) for line in self._log.read_text().splitlines()} if self._log.exists() else set()
