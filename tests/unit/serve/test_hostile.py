"""What attackers send and name: a project with hostile names, asked with hostile bodies."""

import json
import random
from html.parser import HTMLParser

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutations import ODD_VALUES, mutated
from slipway.errors import ProjectError
from slipway.monitor.page import page
from slipway.project import read_project
from slipway.serve.app import App
from slipway.serve.http.json_body import MAX_DEPTH
from slipway.serve.service import open_service
from slipway.workspace import latest_drift, open_project

from .conftest import Client

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "' onmouseover='alert(3)", "\x1b[31mred\x07",
    "</span></form><iframe src=javascript:alert(4)>", "{{7*7}}${7*7}", "\u202egpj.exe",
]  # fmt: skip
LABELS = ["</script><script>alert(5)</script>", "<b onclick=alert(6)>dear"]
TOML = """
name = "hostile"
[sources]
raw = "data/raw/flats.parquet"
[model]
kind = "classification"
target = "price"
[api.routes]
"/own" = { request = "from_flats", response = "to_flats" }
"""
PIPELINE = '''
import polars as pl
from sklearn.tree import DecisionTreeClassifier

from slipway import stage


@stage(online=True)
def flats(raw: pl.DataFrame) -> pl.DataFrame:
    """All but the text."""
    return raw.drop("street")


@stage(outputs=("train", "test"))
def split(flats: pl.DataFrame):
    return flats.slice(20), flats.head(20)


@stage
def model(train: pl.DataFrame):
    return DecisionTreeClassifier(max_leaf_nodes=3, random_state=7).fit(train.drop("price"), train["price"])


@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {"accuracy": model.score(test.drop("price"), test["price"])}


def from_flats(body):
    return body["flats"]


def to_flats(rows, predictions, model):
    return {"answers": [each.prediction for each in predictions], "ids": [each.id for each in predictions]}
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    (root / "data/raw").mkdir(parents=True)
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE)
    columns = {name: [float(n * (place + 1) % 17) for n in range(80)] for place, name in enumerate(HOSTILE)}
    table = pl.DataFrame(
        {
            **columns,
            "rooms": [None if n % 9 == 0 else n % 5 for n in range(80)],
            "street": [f"<i>{n % 3}" for n in range(80)],
            "price": [LABELS[n % 2] for n in range(80)],
        }
    )
    table.write_parquet(root / "data/raw/flats.parquet")
    with open_project(root) as opened:
        opened.run()
        opened.release(override="to try it")
        yield opened


@pytest.fixture(scope="module")
def service(project):
    opened = open_service(project.project, project.settings, project.storage, drift=latest_drift)
    opened.access.look()
    opened.live.look()
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def client(service):
    app = App(service)
    opened = Client(app)
    yield opened
    opened.close()
    app.close()


@pytest.fixture(scope="module")
def row(client):
    (first, *_) = client.get("/data/sample").json()["rows"]
    return {name: value for name, value in first.items() if name != "price"}


@pytest.fixture(scope="module")
def right(client, row):
    """Paths with bodies that are right."""
    key = client.post("/predict", json=row).json()["id"]
    columns = {name: [value] * 3 for name, value in row.items()}
    return [
        ("/predict", row), ("/predict", [row, row]), ("/predict", columns), ("/predict/batch", row),
        ("/predict/batch", [row] * 20), ("/own", {"flats": [row, row]}), ("/predict?form=standard", [row]),
        ("/feedback", {"id": key, "truth": LABELS[0], "correct": True}),
        ("/feedback", [{"id": key, "truth": LABELS[1], "correct": True}] * 3),
    ]  # fmt: skip


def ids_of(reply):
    """The predictions that an answer names."""
    told = reply.json()
    if "ids" in told:
        return told["ids"]
    each = told.get("predictions", [told]) if isinstance(told, dict) else []
    return [one["id"] for one in each if isinstance(one, dict) and isinstance(one.get("id"), str)]


def read_by_everybody(project, client, service, ids, folder):
    """What was acknowledged, by each way in which the journal is read; then all of it is purged."""
    waiting = [client.get(f"/predictions/{key}") for key in ids[:20]]
    service.shipper.ship()
    assert service.shipper.problem is None
    assert [client.get(f"/predictions/{key}").json() for key in ids[:20]] == [reply.json() for reply in waiting]
    table = project.journalled()
    assert set(ids) <= set(table["id"].to_list())
    assert project.journal_state().waiting == 0
    for suffix in ("csv", "parquet"):
        project_table = folder / f"journal.{suffix}"
        (table.write_csv if suffix == "csv" else table.write_parquet)(project_table)
    assert project.monitor(last=10_000).to_json()["rows"] > 0
    project.loop()
    truths = folder / "truths.csv"
    pl.DataFrame({"id": ids[:50], "truth": [LABELS[0]] * len(ids[:50])}).write_csv(truths)
    project.feedback(truths, is_correction=True)
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/health").json()["status"] == "ok"
    project.purge(table["id"].to_list())
    assert project.journal_state().predictions == 0


def text_of(depth, *, is_list):
    return "[" * depth + "]" * depth if is_list else '{"a":' * depth + "1" + "}" * depth


scalars = st.sampled_from([value for value in ODD_VALUES if not isinstance(value, dict | list)]) | st.text(max_size=9)
values = st.recursive(
    scalars | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
).map(json.dumps)
deep = st.builds(text_of, st.sampled_from([1, 30, 31, 32, 33, 500, 940, 985, 3_000]), is_list=st.booleans())
large = st.builds("{}{}{}".format, st.just('"'), st.integers(1, 900_000).map(lambda n: "é" * (n // 2)), st.just('"'))
many = st.integers(1, 300_000).map(lambda n: "[" + ",".join(["[]"] * n) + "]")
anything = values | deep | large | many


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def send_any_body(client, row, accepted, data):
    """Any JSON, alone or in a row that is right but for it."""
    inner = data.draw(anything)
    field = data.draw(st.sampled_from(["price", "street", "rooms", HOSTILE[0], "new", None, None]))
    fields = {name: json.dumps(value) for name, value in row.items()}
    if field is not None:
        fields[field] = inner
    whole = "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"
    form = data.draw(st.sampled_from(["{}", "[{}]", "[{},{}]", '{{"flats":[{}]}}', '{{"id":{},"truth":1}}']))
    body = inner if field is None and data.draw(st.booleans()) else form.format(*[whole] * form.count("{}"))
    path = data.draw(st.sampled_from(["/predict", "/predict/batch", "/own", "/feedback"]))
    reply = client.post(path, content=body.encode())
    assert reply.status_code < 500, (path, body[:300], reply.text[:300])
    assert "Traceback" not in reply.text
    if reply.status_code == 200 and path != "/feedback":
        accepted.extend(ids_of(reply))


def test_any_body_is_answered_and_what_is_accepted_is_read_by_everybody(project, client, service, row, tmp_path):
    accepted = []
    send_any_body(client, row, accepted)
    for depth in (1, MAX_DEPTH - 1):  # a field that the schema passes over
        body = json.dumps(row)[:-1] + f',"price":{text_of(depth, is_list=True)}}}'
        reply = client.post("/predict", content=body.encode())
        accepted += ids_of(reply)
        assert "price" not in client.get(f"/predictions/{accepted[-1]}").json()["row"]
    assert len(accepted) > 2
    read_by_everybody(project, client, service, accepted, tmp_path)


def test_bodies_that_are_changed_by_chance_break_nothing(project, client, service, right, tmp_path):
    rng, accepted, statuses = random.Random(7), [], set()
    for _ in range(400):
        path, body = mutated(rng, right)
        reply = client.post(path, content=body)
        statuses.add(reply.status_code)
        assert reply.status_code < 500, (path, body[:300], reply.text[:300])
        if reply.status_code == 200 and path != "/feedback":
            accepted += ids_of(reply)
    assert {200, 400, 422} <= statuses
    read_by_everybody(project, client, service, [key for key in accepted if key], tmp_path)


class Page(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def test_hostile_names_stay_text_in_every_page(project, client, service, row):
    shifted = {name: 1e6 if name in HOSTILE else value for name, value in row.items()}
    client.post("/predict", json=[shifted] * 300)
    service.shipper.ship()
    reply = client.get("/", headers={"Accept": "text/html"})
    for html in (reply.text, page(project.monitor(last=300))):
        shown = Page(html)
        assert not {"iframe", "img", "object"} & set(shown.tags)
        assert not [name for name in shown.attributes if name.startswith("on")]
        assert shown.tags.count("script") <= 1  # its own
        assert not any(name in html for name in (*HOSTILE[:3], *LABELS, "<i>0"))
        assert all(name in shown.text for name in HOSTILE[:3])
    assert "script-src 'nonce-" in reply.headers["content-security-policy"]
    assert not any(name in client.get("/docs").text for name in HOSTILE)  # it asks for them, and sets them as text
    document = client.get("/openapi.json")
    assert document.headers["content-type"].startswith("application/json")
    assert set(HOSTILE) <= set(document.json()["components"]["schemas"]["Row"]["properties"])


@pytest.mark.parametrize("name", [*HOSTILE, *LABELS, "a/b", "../x", "a\nb", ""])
def test_a_projects_name_can_not_be_hostile(tmp_path, name):
    (tmp_path / "slipway.toml").write_text(TOML.replace('"hostile"', json.dumps(name), 1))
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    with pytest.raises(ProjectError, match="name"):
        read_project(tmp_path)
