"""The page about stacks has every key, kind, variable, secret and limit that there is, and none that there is not."""

import re
import tomllib

import pytest

from pages import ROOT, rows, section
from slipway.errors import ProjectError
from slipway.project.read_stack import read_stack
from slipway.project.stack import KINDS, LISTENS
from slipway.stack.environment import _ABOUT
from slipway.stack.harden import GRACE, MEMORY, PIDS
from slipway.stack.running.secrets import secret_names

PAGE = "docs/stack.md"
STAGES = dict.fromkeys(("fruit", "tree"))


def read(text):
    return read_stack(tomllib.loads(text)["stack"], "Shop", STAGES)


def keys(cell):
    return re.findall(r"`([a-z_]+)`", cell)


def known(text):
    """The keys that the parser lists when it is given one that is like none of them."""
    with pytest.raises(ProjectError, match="qqq is not a key") as refused:
        read(text + "\nqqq = 1")
    listed = re.search(r"Known here: (.*)\.$", str(refused.value))
    assert " more" not in listed[1], "the message no longer lists them all: find them another way"
    return set(listed[1].split(", "))


def test_the_stack_takes_the_keys_of_the_page_and_no_others():
    told = {key for head, *_ in rows(PAGE, "Keys of the stack")[1:] for key in keys(head)}
    assert told == known("[stack]") | {"layouts"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_takes_the_keys_that_the_page_names_for_its_kind_and_no_others(kind):
    told = rows(PAGE, "Keys of a service")[1:]
    of_kind = {key for head, kinds, *_ in told if kinds == "all" or kind in kinds.split(", ") for key in keys(head)}
    needed = 'do = "pull"' if kind == "data" else ""
    assert of_kind == known(f'[stack.services.one]\nkind = "{kind}"\n{needed}')


def test_the_defaults_of_the_page_are_the_parser_s():
    stack = read('[stack.services]\none = { kind = "api" }')
    for head, _, default in rows(PAGE, "Keys of the stack")[1:]:
        for key, shown in zip(keys(head), re.findall(r"`([^`]*)`", default), strict=False):
            if re.fullmatch(r'"[^"]*"|true|false|\[\]', shown):
                value = tomllib.loads(f"it = {shown}")["it"]
                found = getattr(stack, key)
                assert (list(found) if isinstance(found, tuple) else found) == value, key


def test_every_kind_is_on_the_page_with_the_port_that_it_listens_on():
    told = {keys(kind)[0]: port for kind, _, port in rows(PAGE, "Kinds")[1:]}
    assert told == {kind: str(LISTENS.get(kind, "")) for kind in KINDS}


def test_the_limits_are_those_that_are_rendered():
    told = {keys(kind)[0]: tuple(rest) for kind, *rest in rows(PAGE, "What a container may not")[1:]}
    seconds = {role: str(int(each[:-1]) * (60 if each[-1] == "m" else 1)) for role, each in GRACE.items()}
    assert told == {role: (MEMORY[role], str(PIDS[role]), seconds[role]) for role in MEMORY}


def test_the_promises_are_what_tests_assert_and_nothing_else():
    promised = re.findall(r"^- \*\*(.+?)\.\*\*", section(PAGE, "What a container may not"), re.MULTILINE)
    tests = (ROOT / "tests/unit/stack/test_harden.py").read_text(encoding="utf-8")
    assert [re.sub(r"\W+", "_", each.lower()) for each in promised] == re.findall(r"^def test_(\w+)", tests, re.M)


def test_every_variable_that_a_stack_reads_is_on_the_page():
    told = {name for cell, _ in rows(PAGE, "What `.env` may say")[1:] for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert told == _ABOUT.keys() | {"SERVICE_PORT", "SERVICE_HOST"}


def test_every_secret_is_on_the_page():
    kinds = ("postgres", "mlflow", "prefect", "api")
    services = "\n".join(f'{kind} = {{ kind = "{kind}" }}' for kind in kinds)
    stack = read(f'[stack]\nremotes = ["s3"]\n[stack.services]\n{services}')
    told = [name for cell, _ in rows(PAGE, "Secrets")[1:] for name in keys(cell)]
    assert sorted(told) == sorted(secret_names(stack))


def test_the_tables_of_the_page_are_read():
    first, *others = re.findall(r"^```toml\n(.*?)^```", section(PAGE), re.MULTILINE | re.DOTALL)
    for block in ("", *others):
        assert list(read(f"{first}\n{block}").services) == ["database", "train", "api"]


def test_the_usual_stack_is_the_one_that_the_page_describes():
    told = section(PAGE, "The project as a stack").split("```")[0].split("the usual stack")[1]
    stack = read_stack(None, "Shop", STAGES)
    assert re.findall(r"`([a-z]+)`", told) == list(stack.services)
    assert [int(port) for port in re.findall(r"on\s(\d+)", told)] == [
        service.port for service in stack.services.values() if service.port is not None
    ]
