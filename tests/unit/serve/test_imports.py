"""What a service imports, up to its first prediction: every library costs each process memory and time."""

import subprocess
import sys

from slipway.storage import open_storage

ALLOWED = {
    "httptools", "joblib", "msgspec", "narwhals", "numpy", "polars", "scipy", "skops", "sklearn", "slipway",
    "threadpoolctl", "uvicorn", "uvloop",
    # Theirs: scikit-learn's progress bars and its pool of processes, uvicorn's and skops' own.
    "click", "cloudpickle", "h11", "packaging", "psutil", "rich", "typing_extensions", "_yaml", "yaml", "prettytable",
    "charset_normalizer", "dateutil", "six", "wcwidth", "anyio", "sniffio", "mdurl", "pygments", "markdown_it",
}  # fmt: skip

SERVED = """
import asyncio, sys
from pathlib import Path
from slipway.project import read_project
from slipway.serve import server
from slipway.serve.app import App
from slipway.serve.service import open_service
from slipway.settings import read_settings
from slipway.storage import open_storage

root = Path(sys.argv[1])
storage = open_storage(read_settings(root))
service = open_service(read_project(root), read_settings(root), storage)
service.access.look()
service.live.look()
app = App(service)
body = b'{"area": "50 m2", "rooms": 2, "street": "Main"}'
said = []

async def receive():
    return {"type": "http.request", "body": body}

async def send(message):
    said.append(message)

async def ask(method, path):
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "client": None}
    await app(scope, receive, send)
    assert said[-2]["status"] == 200, said

async def ask_all():
    await ask("POST", "/predict")
    await ask("GET", "/health")
    await ask("GET", "/metrics")

asyncio.run(ask_all())
app.close()
service.stop()
found = {name.partition(".")[0] for name in sys.modules}
files = {name for name in found if (getattr(sys.modules.get(name), "__file__", None) or "").find("site-packages") >= 0}
print(*sorted(files - sys.stdlib_module_names))
"""


def test_a_service_imports_what_it_needs_and_no_more(flats):
    flats.release(1)
    done = subprocess.run([sys.executable, "-c", SERVED, flats.root], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.split())
    assert not found & {"pandas", "mlflow", "pyarrow", "fastapi", "pydantic", "typer", "sqlalchemy", "pytest"}
    surplus = {name for name in found if not name.startswith("_") and name not in ALLOWED}
    assert not surplus, f"a service imports {sorted(surplus)} too: needed? Then add it here."
    assert {"polars", "sklearn", "msgspec"} <= found
    open_storage(flats.settings).close()
