import pytest

from slipway.stack.networks import networks

INSIDE, EDGE = "fruit-network-internal", "fruit-network"


@pytest.mark.parametrize(
    ("service", "told", "on"),
    [
        ('one = { kind = "job" }', "", [INSIDE]),
        ('one = { kind = "job", then = "push" }', "", [INSIDE, EDGE]),
        ('one = { kind = "job", outside = true }', "", [INSIDE, EDGE]),
        ('one = { kind = "data", do = "pull" }', "", [EDGE]),
        ('one = { kind = "api" }', "", [INSIDE]),
        ('one = { kind = "api", port = 8000 }', "", [INSIDE, EDGE]),
        ('one = { kind = "api", port = 8000, scale = true }', "", [INSIDE]),
        ('one = { kind = "mlflow" }', "", [INSIDE]),
        ('one = { kind = "mlflow", port = 5000 }', "", [INSIDE, EDGE]),
        ('one = { kind = "test" }', "", [INSIDE]),
        ('one = { kind = "shell" }', "", [INSIDE, EDGE]),
        ('one = { kind = "monitor" }', "", [INSIDE]),
        ('one = { kind = "monitor" }', '[monitor]\nwebhook = "https://chat.example.com/x"', [INSIDE, EDGE]),
        ('one = { kind = "job" }\nstore = { kind = "postgres", external = true }', "", [INSIDE, EDGE]),
    ],
)
def test_a_service_is_where_its_work_leads(fruit, service, told, on):
    project = fruit(f"[stack.services]\n{service}\n{told}")
    assert networks(project.stack.services["one"], project.stack, project) == on


def test_a_job_that_asks_a_database_of_its_own_address_reaches_out(fruit):
    toml = """
    name = "fruit"
    [sources]
    raw = { sql = "SELECT 1", database = "ORCHARD_URL" }
    [model]
    kind = "classification"
    target = "kind"
    artifact = "tree"
    test = "fruit"
    """
    services = '[stack.services]\none = { kind = "job", stages = ["fruit"] }\ntwo = { kind = "job" }'
    project = fruit(services, toml=toml)
    on = {name: networks(service, project.stack, project) for name, service in project.stack.services.items()}
    assert on == {"one": [INSIDE, EDGE], "two": [INSIDE]}
