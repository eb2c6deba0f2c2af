"""What docs/how-to.md and docs/tutorial.md tell a reader to write and to type works as it stands there."""

import random
import re

import polars as pl
import pytest

from pages import section
from slipway import open_project
from slipway.new.write import new_project

HOW_TO, TUTORIAL = "docs/how-to.md", "docs/tutorial.md"


@pytest.fixture(scope="module")
def customers(tmp_path_factory):
    """A table as the tutorial has it: who complains often leaves."""
    draw = random.Random(7)
    rows = []
    for number in range(600):
        complaints, calls = min(5, int(draw.expovariate(1.0))), draw.randint(1, 60)
        leaves = draw.random() < 0.05 + 0.25 * complaints
        rows.append(
            {
                "customer_id": f"C{number:05}",
                "joined": f"{2019 + number // 110}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                "plan": draw.choice(["basic", "plus", "pro"]),
                "country": draw.choice(["DE", "FR", "NL"]),
                "monthly_fee": draw.choice([9.9, 19.9, 39.9]),
                "calls": calls,
                "minutes": round(calls * draw.uniform(1, 6), 1),
                "complaints": complaints,
                "churned": "yes" if leaves else "no",
            }
        )
    place = tmp_path_factory.mktemp("tutorial") / "customers.csv"
    pl.DataFrame(rows).write_csv(place)
    return place


@pytest.fixture
def churn(tmp_path, customers):
    new_project(tmp_path / "churn", customers, "churned", with_git=False, with_dvc=False)
    return tmp_path / "churn"


def blocks(page, heading, language):
    return re.findall(rf"^```{language}\n(.*?)^```", section(page, heading), re.MULTILINE | re.DOTALL)


def with_model(code, snippet):
    """A module whose stage `model` is the page's, with the page's imports at its top."""
    lines = snippet.splitlines(keepends=True)
    imports = "".join(line for line in lines if re.match(r"(from|import) ", line))
    body = "".join(line for line in lines if not re.match(r"(from|import) ", line))
    start = code.index("@stage\ndef model(")
    end = code.index("@stage\ndef metrics(")
    changed = code[:start] + body.strip() + "\n\n\n" + code[end:]
    return changed.replace("import numpy as np\n", f"{imports}import numpy as np\n", 1).replace(
        '-> Pipeline:\n    """How', '-> dict:\n    """How'
    )


@pytest.mark.parametrize(("number", "needs"), [(0, "lightgbm"), (1, "xgboost"), (2, None)])
def test_another_model_is_trained_gated_and_released(churn, customers, number, needs):
    if needs is not None:
        try:
            __import__(needs)
        except OSError as error:
            pytest.skip(f"{needs} can't be loaded: {error}")
    module = churn / "pipeline.py"
    module.write_text(with_model(module.read_text(), blocks(HOW_TO, "Another model", "python")[number]))
    if needs is None:
        (toml,) = blocks(HOW_TO, "Another model", "toml")
        settings = churn / "slipway.toml"
        settings.write_text(settings.read_text().replace("[model]\n", toml, 1))
    with open_project(churn) as project:
        assert project.run().candidate == 1
        project.release(override="to see that it loads and answers")
        answers = project.predict(customers)
    assert answers["error"].null_count() == answers.height
    assert set(answers["prediction"]) <= {"yes", "no"}
