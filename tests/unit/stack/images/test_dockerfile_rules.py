"""hadolint's rules, as far as a Dockerfile of ours can break them, over all that is rendered."""

import json
import re

import pytest

from dockerfiles import Dockerfile


def _words(step: str) -> list[str]:
    return [word.strip("'\"") for word in step.split()]


def _packages(step: str) -> list[str]:
    words = _words(step)
    return [word for word in words[words.index("install") + 1 :] if not word.startswith("-")]


def _last_user(stage: list[tuple[str, str]]) -> str:
    return next((arguments for name, arguments in reversed(stage) if name == "USER"), "root")


def _sources(arguments: str) -> tuple[list[str], str]:
    words = [word for word in arguments.split() if not word.startswith("--")]
    return words[:-1], words[-1]


def _relative_without_workdir(file: Dockerfile) -> bool:
    set_in: dict[str, bool] = {}
    for stage in file.stages():
        base, _, alias = stage[0][1].partition(" AS ")
        has = set_in.get(base, False)
        for name, arguments in stage:
            has = has or name == "WORKDIR"
            if name == "COPY" and not has and not _sources(arguments)[1].startswith("/"):
                return True
        set_in[alias] = has
    return False


def _from(arguments: str) -> str | None:
    found = re.search(r"--from=(\S+)", arguments)
    return found[1] if found else None


def _own_alias(file: Dockerfile) -> bool:
    return any(
        _from(arguments) == stage[0][1].partition(" AS ")[2] for stage in file.stages() for _, arguments in stage[1:]
    )


def _repeated(file: Dockerfile, name: str) -> bool:
    return any([i for i, _ in stage].count(name) > 1 for stage in file.stages())


def _reads_itself(arguments: str) -> bool:
    names = re.findall(r"(\w+)=", arguments)
    return any(
        re.search(rf"\$\{{?{other}\b", value)
        for name, value in re.findall(r"(\w+)=(\S+)", arguments)
        for other in names
        if other != name
    )


def _is_exec_form(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), list)
    except ValueError:
        return False


def _runs_pip(file: Dockerfile) -> list[str]:
    return [step for step in file.shell if re.search(r"(?<!uv )\bpip3?\b.*\binstall\b", step)]


def _calls(file: Dockerfile, *programs: str) -> bool:
    return any(_words(step)[:1] and _words(step)[0] in programs for step in file.shell)


def _key_is_wrong(arguments: str) -> bool:
    keys = re.findall(r"([^\s=]+)=\"", arguments)
    return any(not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", key) or re.search(r"[.-]{2}", key) for key in keys)


BASE = "FROM python:3.13-slim AS base\n"
RULES = {
    "DL3000: WORKDIR is absolute": (
        lambda f: any(not w.startswith("/") for w in f.of("WORKDIR")),
        BASE + "WORKDIR app",
    ),
    "DL3001: no program that makes no sense in a container": (
        lambda f: _calls(f, "ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig"),
        BASE + "RUN service x start",
    ),
    "DL3002: the last user is not root": (
        lambda f: _last_user(list(f.stages())[-1]).split(":")[0] in ("root", "0"),
        BASE + "USER 0:0",
    ),
    "DL3003: WORKDIR rather than cd": (lambda f: _calls(f, "cd"), BASE + "RUN cd /tmp && ls"),
    "DL3004: no sudo": (lambda f: _calls(f, "sudo"), BASE + "RUN sudo ls"),
    "DL3006: an image has its tag": (
        lambda f: any(":" not in b and "@" not in b for b in f.bases()),
        "FROM debian",
    ),
    "DL3007: and not latest": (lambda f: any(b.endswith(":latest") for b in f.bases()), "FROM debian:latest"),
    "DL3008: apt-get installs a version": (
        lambda f: any("=" not in p for step in f.apt("install") for p in _packages(step)),
        BASE + "RUN apt-get install -y git",
    ),
    "DL3009: apt's lists are removed": (
        lambda f: any("apt-get" in a and "rm -rf /var/lib/apt/lists/*" not in a for a in f.of("RUN")),
        BASE + "RUN apt-get update && apt-get install -y git=1",
    ),
    "DL3013: pip installs a version": (
        lambda f: any("=" not in step and "--require-hashes" not in step for step in _runs_pip(f)),
        BASE + "RUN pip install flask",
    ),
    "DL3014: apt-get asks nobody": (
        lambda f: any(not {"-y", "--yes"} & {*_words(step)} for step in f.apt("install")),
        BASE + "RUN apt-get install git=1",
    ),
    "DL3015: apt-get installs nothing that is only recommended": (
        lambda f: any("--no-install-recommends" not in step for step in f.apt("install")),
        BASE + "RUN apt-get install -y git=1",
    ),
    "DL3020: COPY rather than ADD": (lambda f: bool(f.of("ADD")), BASE + "ADD . /app"),
    "DL3021: COPY of several things ends in a folder": (
        lambda f: any(len(s) > 1 and not to.endswith("/") for s, to in map(_sources, f.of("COPY"))),
        BASE + "COPY a b /app",
    ),
    "DL3022: COPY --from names a stage": (
        lambda f: any((source := _from(a)) and source not in f.aliases for a in f.of("COPY")),
        BASE + "COPY --from=debian:12 /a /b",
    ),
    "DL3023: and not its own": (_own_alias, BASE + "COPY --from=base /a /b"),
    "DL3024: stages have different names": (lambda f: len({*f.aliases}) < len(f.aliases), BASE + BASE),
    "DL3025: CMD and ENTRYPOINT are lists": (
        lambda f: any(not _is_exec_form(a) for a in [*f.of("CMD"), *f.of("ENTRYPOINT")]),
        BASE + "CMD slipway serve",
    ),
    "DL3027: apt-get rather than apt": (lambda f: _calls(f, "apt"), BASE + "RUN apt update"),
    "DL3029: no platform is fixed": (lambda f: any("--platform" in a for a in f.froms), "FROM --platform=linux/x a:1"),
    "DL3042: pip keeps no cache": (
        lambda f: any("--no-cache-dir" not in step for step in _runs_pip(f)),
        BASE + "RUN pip install flask==3",
    ),
    "DL3043: ONBUILD holds no further ONBUILD, FROM or MAINTAINER": (
        lambda f: any(a.split()[0] in ("ONBUILD", "FROM", "MAINTAINER") for a in f.of("ONBUILD")),
        BASE + "ONBUILD FROM a:1",
    ),
    "DL3044: ENV reads nothing that it sets": (lambda f: any(map(_reads_itself, f.of("ENV"))), BASE + "ENV A=1 B=$A"),
    "DL3045: COPY to a relative place follows WORKDIR": (_relative_without_workdir, BASE + "COPY a ./"),
    "DL3048: labels have valid keys": (lambda f: any(map(_key_is_wrong, f.of("LABEL"))), BASE + 'LABEL A_b="c"'),
    "DL3059: one RUN rather than two in a row": (
        lambda f: any(a[0] == b[0] == "RUN" for a, b in zip(f.all, f.all[1:], strict=False)),
        BASE + "RUN a\nRUN b",
    ),
    "DL3061: it begins with FROM or ARG": (lambda f: f.all[0][0] not in ("FROM", "ARG"), "RUN a\n" + BASE),
    "DL4000: no MAINTAINER": (lambda f: bool(f.of("MAINTAINER")), BASE + "MAINTAINER me"),
    "DL4001: not both wget and curl": (
        lambda f: _calls(f, "wget") and _calls(f, "curl"),
        BASE + "RUN wget a && curl b",
    ),
    "DL4003: one CMD": (lambda f: _repeated(f, "CMD"), BASE + 'CMD ["a"]\nCMD ["b"]'),
    "DL4004: one ENTRYPOINT": (lambda f: _repeated(f, "ENTRYPOINT"), BASE + 'ENTRYPOINT ["a"]\nENTRYPOINT ["b"]'),
    "DL4006: no pipe whose first command may fail unseen": (
        lambda f: any(re.search(r"[^|]\|[^|]", a) for a in f.of("RUN")),
        BASE + "RUN curl x | sh",
    ),
}
"""Each with what breaks it, and a Dockerfile that does. Left out: rules of package managers and registries that are not
used (DL3010, 3016, 3018, 3019, 3026, 3028, 3030 to 3041, 3046, 3047, 3060, 4005), and DL3057, which hadolint itself
leaves out: Compose says how a service's health is asked."""


@pytest.mark.parametrize("rule", RULES)
def test_every_dockerfile_keeps_the_rule(rule, shape, rendered):
    is_broken, _ = RULES[rule]
    files = {path: text for path, text in rendered(shape).items() if "Dockerfile" in path.rsplit("/", 1)[-1]}
    assert files
    assert [path for path, text in files.items() if is_broken(Dockerfile(text))] == []


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_finds_what_breaks_it(rule):
    is_broken, example = RULES[rule]
    assert is_broken(Dockerfile(example))
    assert not is_broken(Dockerfile(BASE + "WORKDIR /app\nUSER 1:1"))
