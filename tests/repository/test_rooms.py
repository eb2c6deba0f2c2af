import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "slipway"


def test_imports_point_one_way():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_is_in_the_picture():
    picture = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in SOURCES.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    missing = {room for room in rooms if not re.search(rf"`{re.escape(room)}/?`", picture)}
    assert missing == set()


def test_the_picture_shows_no_room_that_is_not_there():
    picture = (ROOT / "docs" / "architecture.md").read_text()
    table = picture.split("## The rooms")[1].split("\n## ")[0]
    named = _named(table)
    assert named
    assert [name for name in named if not (SOURCES / name).exists()] == []


def test_no_module_outgrows_its_room():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCES.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def _named(table: str) -> list[str]:
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return [name for cell in first_cells for name in re.findall(r"`([a-z_]+(?:\.py|/))`", cell)]
