import pytest

from slipway.stack.images.parts import images


def _by_target(project):
    return {image.target: image for image in images(project)}


def test_one_image_serves_all_services_of_its_content(shaped):
    found = _by_target(shaped("linear"))
    assert [*found] == ["job", "api", "proxy"]
    assert [service.name for service in found["job"].services] == ["data-prep", "model-train", "monitor"]


def test_a_dockerfile_each_makes_an_image_each(shaped):
    assert [*_by_target(shaped("housing"))] == ["prefect-server", "mlflow-server", "train", "monitor", "api"]


def test_a_unified_image_is_of_everything_but_what_is_built_beside_it(shaped):
    assert [*_by_target(shaped("obesity-eze"))] == ["unified"]
    assert [*_by_target(shaped("obesity-ali"))] == ["unified", "api"]
    assert [*_by_target(shaped("unified"))] == ["unified", "proxy"]


@pytest.mark.parametrize(
    ("shape", "target", "parts"),
    [
        ("linear", "api", ["api"]),
        ("linear", "job", ["api", "polars", "job"]),
        ("housing", "api", ["api", "polars"]),
        ("housing", "train", ["api", "polars", "job"]),
        ("housing", "mlflow-server", ["mlflow"]),
        ("obesity-eze", "unified", ["api", "polars", "job", "figures", "dvc", "s3", "test", "mlflow"]),
        (
            "obesity-ali", "unified",
            ["api", "polars", "job", "figures", "dvc", "s3", "gs", "azure", "test", "mlflow"],
        ),
        ("parts", "test", ["api", "polars", "job", "dvc", "s3", "test"]),
    ],
)  # fmt: skip
def test_an_image_holds_what_its_services_need_and_no_more(shaped, shape, target, parts):
    assert [*_by_target(shaped(shape))[target].parts] == parts


def test_pandas_is_there_where_a_request_passes_through_it(fruit):
    stages = """
import pandas as pd
from slipway import stage

@stage(online=True)
def fruit(raw: pd.DataFrame) -> pd.DataFrame: ...

@stage
def tree(fruit: pd.DataFrame): ...
"""
    project = fruit('[stack.services]\ntrain = { kind = "job" }\nserve = { kind = "api" }', stages=stages)
    assert _by_target(project)["api"].parts == ("api", "polars", "pandas")


def test_what_runs_elsewhere_or_is_named_is_not_built(fruit):
    project = fruit(
        '[stack.services]\ntrain = { kind = "job", image = "mine:1" }\nflows = { kind = "prefect", external = true }'
    )
    assert images(project) == ()


def test_a_service_is_named_as_it_likes(fruit):
    names = ("00-Prepare", "code", "build-it", "Serve.me")
    services = "".join(f'[stack.services."{name}"]\nkind = "monitor"\n' for name in names)
    project = fruit(f'[stack]\ndockerfiles = "each"\n{services}[stack.services.train]\nkind = "job"')
    assert [*_by_target(project)] == ["service-00-prepare", "service-code", "service-build-it", "serve.me", "train"]
