"""The text of a Dockerfile in, its instructions and stages out."""

import re
from collections.abc import Iterator


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(instruction, arguments) in order, continued lines joined, comments left out."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines():
        if line.strip():
            name, _, arguments = line.strip().partition(" ")
            yield name.upper(), arguments.strip()


class Dockerfile:
    def __init__(self, text: str) -> None:
        self.all = list(instructions(text))
        self.froms = self.of("FROM")
        self.aliases = [arguments.split(" AS ")[1] for arguments in self.froms if " AS " in arguments]
        self.shell = [step for arguments in self.of("RUN") for step in re.split(r"&&|;|\|\|?", arguments)]

    def of(self, name: str) -> list[str]:
        return [arguments for instruction, arguments in self.all if instruction == name]

    def stages(self) -> Iterator[list[tuple[str, str]]]:
        starts = [at for at, (name, _) in enumerate(self.all) if name == "FROM"]
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            yield self.all[start:end]

    def bases(self) -> list[str]:
        """Public images: what is neither a stage nor empty."""
        named = [arguments.split(" AS ")[0].split()[-1] for arguments in self.froms]
        return [name for name in named if name not in self.aliases and name != "scratch"]

    def apt(self, verb: str) -> list[str]:
        return [step.strip() for step in self.shell if re.search(rf"\bapt-get\b.*\b{verb}\b", step)]
