"""A project's folder that was moved or copied in, MLflow's own database with the addresses of its new place out.

MLflow keeps absolute addresses. After a move it would look for artifacts, and put new ones, where the folder was.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow_move(tracking_uri: str, root: Path, artifacts: Path) -> int:
    """Let what lay below another folder's `mlruns` be found below this one's; how many addresses were changed.

    Only a database in the project's own folder is looked at: another may be several projects'. One that MLflow has
    laid out in another way than is known here stays as it is.
    """
    database = Path(tracking_uri.removeprefix("sqlite:///"))
    if not tracking_uri.startswith("sqlite:///") or database.parent != root or not database.is_file():
        return 0
    here = artifacts.as_uri()
    try:
        with closing(sqlite3.connect(database, timeout=10.0)) as connection, connection:
            found = connection.execute(
                "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE 'file:///%/mlruns'"
            ).fetchall()
            changed = sum(_change(connection, before, here) for (before,) in found if before != here)
    except sqlite3.Error as error:
        log.warning("%s: whether the folder was moved can't be seen: %s", database, error)
        return 0
    return changed


def _change(connection: sqlite3.Connection, before: str, here: str) -> int:
    changed = 0
    for table, column in _ADDRESSES:
        cursor = connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?",
            (here, len(before) + 1, before, len(before) + 1, before + "/"),
        )
        changed += cursor.rowcount
    return changed
