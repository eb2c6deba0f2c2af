import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from documents import REFERENCE, commands

ROOT = Path(__file__).resolve().parents[2]
TABLES = {path.stem: tomllib.loads(path.read_text()) for path in sorted((ROOT / "docs/documents").glob("*.toml"))}
NOT_DOCUMENTS = {"FACTS.md"}

TEXT = """
What it is.

```bash
# Start it
docker-compose up -d        # in the background
curl -X POST http://localhost:5000/predict \\
  -H "Content-Type: application/json" \\
  -d '{
    "values": [5]
  }'
ports:
  - "8080:5000"
SOME_PASSWORD=hunter2 docker-compose up
```

```yaml
services:
  a: {}
```

```
FROM slim
# don't
#   docker compose up api   # one of them
RUN a && \\
    # why
    b
docker compose stop
```
"""


def test_commands_are_found_whole_and_without_comments_and_secrets():
    assert commands(TEXT) == [
        "docker-compose up -d",
        'curl -X POST http://localhost:5000/predict -H "Content-Type: application/json" -d \'{ "values": [5] }\'',
        'ports: - "8080:5000"',
        "SOME_PASSWORD=… docker-compose up",
        "docker compose up api",
        "RUN a && b",
        "docker compose stop",
    ]


def test_every_document_has_a_table():
    _need_documents()
    assert {table["document"] for table in TABLES.values()} == {
        path.name for path in REFERENCE.glob("*.md") if path.name not in NOT_DOCUMENTS
    }


@pytest.mark.parametrize("name", TABLES)
def test_the_table_has_the_documents_commands_and_no_others(name):
    _need_documents()
    theirs = commands((REFERENCE / TABLES[name]["document"]).read_text(errors="replace"))
    ours = [row["text"].strip() for row in TABLES[name]["command"]]
    assert sorted(set(theirs) - set(ours)) == [], "commands of the document that have no row"
    assert sorted(set(ours) - set(theirs)) == [], "rows that no document has"
    assert len(ours) == len(set(ours))


@pytest.mark.parametrize("name", TABLES)
def test_no_line_that_calls_docker_dvc_pip_or_curl_is_overlooked(name):
    _need_documents()
    text = (REFERENCE / TABLES[name]["document"]).read_text(errors="replace")
    fenced = "\n".join(re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL))
    calls = re.findall(r"^ *((?:docker|docker-compose|curl|dvc|pip|apt-get|RUN) .*?)\s*(?:\\|  +#.*)?$", fenced, re.M)
    rows = [row["text"] for row in TABLES[name]["command"]]
    hidden = re.compile(r"[\w.]+@[\w.]+\.\w+")
    missed = [call for call in calls if not any(hidden.sub("…", call.split("   ")[0].strip()) in row for row in rows)]
    assert missed == []


def test_what_the_pages_say_is_what_the_tables_say():
    done = subprocess.run(
        [sys.executable, "scripts/documents.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _need_documents():
    if not REFERENCE.is_dir():
        pytest.skip(f"no documents: {REFERENCE} is missing")
