"""Write today's formats of a bundle and of an exported journal as small fixtures, which later versions have to read.

`python scripts/bundle_format.py FOLDER` writes `bundle-N.zip` there, N being the format of its manifest (the tests' own
tiny project, version 1), and `export-1.csv`. A fixture of an older format is never written again: it is what an older
version left.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from conftest import Flats
from slipway.journal.window import export
from slipway.model.manifest import FORMAT
from slipway.records import Prediction, Truth

LONG_AGO = (2026, 1, 1, 0, 0, 0)
AT = 1767225600.5
PREDICTIONS = (
    Prediction("0" * 26, AT, 1, {"area": "50 m2", "rooms": 2, "street": "Main"}, "cheap1", {"cheap1": 1.0}, 4.5),
    Prediction("1" * 26, AT + 1, 1, {"area": "90 m2", "rooms": None, "street": "Side"}, "dear1", None, 0.5),
    Prediction("2" * 26, AT + 2, 1, {"area": None, "rooms": 1, "street": "Main"}, None, None, 0.5, "ValueError: no"),
)
TRUTHS = (Truth("3" * 26, "0" * 26, AT + 9, "dear1", "user:ada"),)


def main(folder: Path) -> None:
    """Write the fixture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        flats = Flats(Path(aside) / "flats")
        bundle = flats.store.path(flats.release(1))
        flats.storage.journal.append([*PREDICTIONS, *TRUTHS])
        export(flats.storage.journal).write_csv(folder / "export-1.csv")
        flats.storage.close()
        with zipfile.ZipFile(folder / f"bundle-{FORMAT}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(bundle).as_posix(), LONG_AGO)
                packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
