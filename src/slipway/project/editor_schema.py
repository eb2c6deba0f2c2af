"""The JSON Schema of `slipway.toml`, kept beside a project so that editors complete and check its keys."""

from contextlib import suppress
from importlib import resources
from pathlib import Path

from slipway.file_rights import make_private_folder
from slipway.files import write_bytes

PLACE = ".slipway/slipway.schema.json"
"""Where the schema is kept in a project's folder."""

DIRECTIVE = f"#:schema {PLACE}"
"""The line at the top of slipway.toml by which an editor finds the schema."""


def keep_schema(root: Path) -> None:
    """Write the schema of this version into a project's folder, unless it is there.

    A folder that cannot be written is left alone: only editors read the file.
    """
    schema = resources.files("slipway.project").joinpath("slipway.schema.json").read_bytes()
    path = root / PLACE
    with suppress(OSError):
        if path.is_file() and path.read_bytes() == schema:
            return
        make_private_folder(path.parent)
        write_bytes(path, schema)
