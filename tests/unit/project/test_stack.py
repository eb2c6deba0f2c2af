import re
import tomllib

import pytest

from slipway.errors import ProjectError
from slipway.project import read_project
from slipway.project.read_stack import read_stack
from slipway.project.stack import Service, Stack

STAGES = dict.fromkeys(("fruit", "split", "model", "metrics"))


def read(text, project="Fruit Shop"):
    return read_stack(tomllib.loads(text).get("stack"), project, STAGES)


@pytest.mark.parametrize("name", ["fruit", "2020 Prévision.", "Ünïcode", "水果"])
def test_a_project_without_the_table_has_the_usual_stack_whatever_its_name(write, name):
    folder = write()
    toml = folder / "slipway.toml"
    toml.write_text(re.sub(r'name = ".*"', f'name = "{name}"', toml.read_text(), count=1))
    stack = read_project(folder).stack
    assert stack is not None
    assert [service.kind for service in stack.services.values()] == ["postgres", "mlflow", "job", "api", "monitor"]
    assert stack.volumes == "folders"


def test_what_is_not_said_comes_from_the_project_s_name():
    stack = read('[stack.services]\nstore = { kind = "postgres" }\nshow = { kind = "mlflow" }\napi = { kind = "api" }')
    assert (stack.name, stack.network, stack.internal_network) == (
        "fruit-shop", "fruit-shop-network", "fruit-shop-network-internal",
    )  # fmt: skip
    assert (stack.file, stack.components, stack.volumes, stack.order) == ("compose.yaml", True, "named", "graph")
    assert stack.image_of("job") == "fruit-shop-job:local"
    assert stack.services["store"] == Service(
        "store", "postgres", listen=5432, database="fruit_shop", volume="store-data"
    )
    assert stack.services["show"] == Service("show", "mlflow", listen=5000, volume="show-data")
    assert stack.services["api"] == Service("api", "api", listen=8000)


def test_every_key_of_a_service_has_its_place():
    stack = read("""
    [stack]
    images = "unified"
    image = "shop/{name}-{target}:1.0"
    [stack.services.train]
    kind = "job"
    stages = ["model", "fruit"]
    then = "push"
    environment = { TREES = 100, FAST = true }
    memory = "2g"
    cpus = 0.5
    pids = 64
    profile = "dev"
    mounts = ["./plots:/app/plots:ro"]
    packages = ["xgboost>=2"]
    after = ["api"]
    outside = true
    [stack.services.api]
    kind = "api"
    port = 5000
    listen = 5000
    replicas = 3
    image = "shop/api:2"
    """)
    assert stack.services["train"] == Service(
        "train", "job", stages=("fruit", "model"), then="push", environment={"TREES": "100", "FAST": "true"},
        memory="2g", cpus=0.5, pids=64, profile="dev", mounts=("./plots:/app/plots:ro",), packages=("xgboost>=2",),
        after=("api",), outside=True,
    )  # fmt: skip
    api = stack.services["api"]
    assert (api.port, api.listen, api.replicas, api.image) == (5000, 5000, 3, "shop/api:2")
    assert api.has_proxy
    assert api.proxy == "api-proxy"
    assert stack.image_of("unified") == "shop/fruit-shop-unified:1.0"


def test_a_job_without_stages_runs_those_that_no_other_names():
    stack = read('[stack.services]\nprepare = { kind = "job", stages = ["fruit"] }\ntrain = { kind = "job" }')
    assert stack.services["train"].stages == ("split", "model", "metrics")


def test_a_layout_is_merged_over_the_rest_key_by_key():
    text = """
    [stack]
    layout = "small"
    file = "docker-compose.yml"
    order = "manual"
    [stack.services]
    api = { kind = "api", port = 8000, memory = "512m" }
    [stack.layouts.small]
    order = "graph"
    services.api = { memory = "256m" }
    services.shell = { kind = "shell" }
    [stack.layouts.large]
    services.api = { memory = "4g" }
    """
    stack = read(text)
    assert (stack.layout, stack.file, stack.order) == ("small", "docker-compose.yml", "graph")
    assert (stack.services["api"].port, stack.services["api"].memory) == (8000, "256m")
    assert list(stack.services) == ["api", "shell"]
    large = read(text.replace('layout = "small"', 'layout = "large"'))
    assert (large.order, large.services["api"].memory, list(large.services)) == ("manual", "4g", ["api"])


def test_an_overlay_has_all_services_as_they_are_with_it():
    stack = read("""
    [stack.services]
    store = { kind = "postgres", port = 5432 }
    api = { kind = "api" }
    [stack.overlays.prod]
    services.store = { external = true, host = "db.example.org" }
    [stack.overlays.watched]
    file = "docker-compose.watched.yml"
    services.loop = { kind = "monitor", every = "2h" }
    """)
    prod, watched = stack.overlays["prod"], stack.overlays["watched"]
    assert (prod.file, watched.file) == ("docker-compose.prod.yaml", "docker-compose.watched.yml")
    assert (prod.services["store"].external, prod.services["store"].host) == (True, "db.example.org")
    assert prod.services["api"] == stack.services["api"]
    assert list(watched.services) == ["store", "api", "loop"]
    assert list(stack.services) == ["store", "api"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[stack]\nnetwrok = "x"', r"\[stack\] netwrok is not a key.* Did you mean `network`"),
        ('[stack.services.api]\nkind = "api"\nprot = 1', r"\[stack.services.api\] prot is not a .* mean `port`"),
        ('[stack.services.api]\nkind = "apy"', r"kind = 'apy': expected one of .* Did you mean `api`"),
        ("[stack.services.api]\nport = 80", r"\[stack.services.api\] kind is missing"),
        ('[stack]\nname = "Fruit Shop"', r"\[stack\] name = 'Fruit Shop': expected lower-case"),
        ('[stack]\nimage = "shop"', r"\[stack\] image = 'shop': expected a pattern with \{target\}"),
        ('[stack]\nremotes = ["s4"]', r"remotes = \['s4'\]: expected some of s3, gs, azure. Known here: azure, gs, s3"),
        ('[stack]\nfile = "../compose.yaml"', r"file = '../compose.yaml': expected a file in the project's folder"),
        ('[stack]\nfile = "compose.override.yaml"', "not the one that is yours to override with"),
        ('[stack]\nlayout = "eze"', r"layout = 'eze': there is no such table among \[stack.layouts\]"),
        ("[stack.layouts.eze]", r"layout is missing: expected the name of one of \[stack.layouts\]: eze"),
        ('[stack.services.train]\nkind = "job"\nstages = ["modle"]', "names `modle`, .* Did you mean `model`"),
        ('[stack.services.train]\nkind = "job"\ncommand = "bash"', r"command: only .* test or shell .*A job runs its"),
        ('[stack.services.check]\nkind = "test"\ncomand = "pytest"', "comand is not a key.* Did you mean `command`"),
        ('[stack.services.a]\nkind = "monitor"\ninterval = "5m"', "interval is not a key .*here: after, cpus, env"),
        ('[stack.services.a]\nkind = "postgres"\npackages = ["x"]', "packages: only services of kind mlflow or"),
        ('[stack.services.a]\nkind = "job"\nport = 80', "port: only services of kind postgres or mlflow or"),
        ('[stack.services.pull]\nkind = "data"', r"\[stack.services.pull\] do is missing"),
        ('[stack.services.loop]\nkind = "monitor"\nevery = "15"', "every = '15': expected a time such as 30s"),
        ('[stack.services.api]\nkind = "api"\nmemory = "1T"', "memory = '1T': expected a size such as 512m or 2g"),
        ('[stack.services.api]\nkind = "api"\ncpus = 0', "cpus = 0: expected a number above 0"),
        ('[stack.services.api]\nkind = "api"\nmounts = ["plots"]', "mounts = .*expected texts such as"),
        ('[stack.services.api]\nkind = "api"\nhost = "x"', "host: only services of kind postgres"),
        ('[stack.services.db]\nkind = "postgres"\nhost = "x"', "host: it is for .* elsewhere: add external = true"),
        ('[stack.services.db]\nkind = "postgres"\ndatabase = "a b"', "database = 'a b': expected a name of its own"),
        ('[stack.services.api]\nkind = "api"\nafter = ["db"]', "after names `db`, which is no other service"),
        ('[stack.services."a b"]\nkind = "api"', "a service's name of letters"),
        ("[stack.overlays.prod]", "overlays.prod. changes nothing"),
        ('[stack]\ncomponents = false\n[stack.services.a]\nkind = "api"\nfile = "a.yml"', "all services stand in"),
        ('[stack.services.a]\nkind = "api"\nfile = "compose.yaml"', "expected a file of its own"),
        ('[stack.services.a]\nkind = "api"\nfile = "docker/b/compose.yaml"', "docker/ is where each service has"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_where_and_what_was_meant(text, told):
    with pytest.raises(ProjectError, match=told):
        read(text)


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ('a = { kind = "api", port = 80 }\nb = { kind = "mlflow", port = 80 }', "port = 80: `a` is published there"),
        ('a = { kind = "postgres" }\nb = { kind = "postgres" }', "`a` is of kind postgres already"),
        ('a = { kind = "api", scale = true }\na-proxy = { kind = "shell" }', "its proxy is named `a-proxy`"),
        ('a = { kind = "job", stages = ["fruit", "split", "model", "metrics"] }\nb = { kind = "job" }', "run them all"),
    ],
)
def test_services_that_contradict_each_other_are_refused(services, told):
    with pytest.raises(ProjectError, match=told):
        read(f"[stack.services]\n{services}")


def test_the_table_is_read_with_the_project(write, toml):
    project = read_project(write(toml, more='[stack.services]\ntrain = { kind = "job" }'))
    assert isinstance(project.stack, Stack)
    assert project.stack.services["train"].stages == tuple(project.stages)
