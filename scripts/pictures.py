"""An example's services in, the picture of them that the README shows out; `--check` only says whether it is stale."""

import sys
from pathlib import Path

from slipway.stack.picture import read_picture

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "src" / "slipway" / "examples" / "housing"
PICTURE = ROOT / "docs" / "pictures" / "housing.svg"


def main() -> int:
    drawn = read_picture(EXAMPLE, "svg") + "\n"
    if "--check" in sys.argv[1:]:
        if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == drawn:
            return 0
        print(f"{PICTURE.relative_to(ROOT)} is not what the graph says: run `make page`.", file=sys.stderr)
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
