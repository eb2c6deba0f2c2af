"""Nothing in but an installed Slipway; out comes ./demo and the story of one loop, told as it happens: `make demo`."""

import json
import random
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table

from slipway.examples.housing.generate import listings

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
PROJECT = DEMO / "housing"
REPORT = DEMO / "drift.html"
SLIPWAY = Path(sys.executable).with_name("slipway")

TARGET = "price_category_name"
SENT, SENT_LATER, BATCH = 2_000, 500, 100
WAIT_SECONDS = 30

# The request as the service's document words it: numbers, other field names, categories that no listing has.
DOCUMENT_REQUEST = {
    "GrossSquareMeters": 100.0,
    "NetSquareMeters": 80.0,
    "BuildingAge": 10.0,
    "NumberOfRooms": 3.0,
    "district": "district1",
    "HeatingType": "central",
    "StructureType": "concrete",
    "FloorLocation": "middle",
    "address": "123 Main St",
    "AdCreationDate": "2024-01-01",
    "Subscription": "premium",
}

Row = dict[str, Any]
console = Console(highlight=False)
console.width = min(console.width, 100) if console.is_terminal else 100


def main() -> int:
    started = time.monotonic()
    console.print(
        Panel(
            "[bold]Slipway: one model's life, told as it happens[/bold]\n\n"
            "Flats of Istanbul: is a flat's price low, medium or high? A model learns it, is served, meets a market "
            "that has moved, is corrected, and a worse one is kept out. Each command is the real one, run in ./demo; "
            "each number is measured now. [yellow]The listings are generated[/yellow]: none of these flats exists. "
            "Their figures follow public ones.",
            expand=True,
        )
    )
    past, future = make_project()
    accuracy = build()
    with served() as url:
        ask(url, past)
        answered = meet_the_future(url, past, future[:SENT], accuracy)
        watch_it_drift()
        send_truths(url, answered)
        close_the_loop(url, future[SENT : SENT + SENT_LATER])
        keep_a_worse_one_out()
        take_it_back(url)
    show_ledger()
    the_end(time.monotonic() - started)
    return 0


def make_project() -> tuple[list[Row], list[Row]]:
    """A fresh project that knows the past alone; the rows of the past, and of the future in random order."""
    chapter("A project")
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    slipway("new", PROJECT.name, "--example", "housing", at=DEMO)
    show_command("python", "housing/generate.py", "--until", "2021-12")
    subprocess.run([sys.executable, PROJECT / "generate.py", "--until", "2021-12"], check=True, cwd=DEMO)
    past = listings(until="2021-12").to_dicts()
    future = listings(since="2022-02").to_dicts()
    random.Random(7).shuffle(future)
    districts = len({row["district"] for row in past})
    say(
        f"It is the end of 2021. There are {len(past):,} listings in {districts} districts, "
        f'areas written as "{past[0]["GrossSquareMeters"]}", ages as "{past[-1]["BuildingAge"]}". '
        "What is done with them stands in pipeline.py, five plain functions."
    )
    return past, future


def build() -> float:
    """Run, gate and release version 1; the accuracy on its test rows."""
    chapter("A model, and the gate")
    ran = slipway_json("run")
    stages = ", ".join(f"{stage['name']} {stage['seconds']:.1f} s" for stage in ran["stages"])
    accuracy: float = ran["metrics"]["accuracy"]
    say(
        f"{stages}. On flats that it has not seen the model is right {hundredths(accuracy)} times in 100. "
        f"It is version {ran['candidate']}, a candidate: registered in MLflow, the data in DVC's formats."
    )
    entry = slipway_json("release", "--why", "the first one")["entry"]
    passed = slipway_json("ledger")["entries"][entry["seq"] - 2]
    say(
        f"A release goes through the gate: {passed['why']}, since nothing is live yet to be compared with. "
        f"Now version {entry['version']} is live, which the ledger says."
    )
    return accuracy


@contextmanager
def served() -> Iterator[str]:
    """The API in a process of its own; its address."""
    chapter("Served")
    started = time.monotonic()
    show_command("slipway", "-C", "housing", "serve", "--port", "0")
    with (DEMO / "serve.log").open("w") as log:
        command = [str(SLIPWAY), "-C", str(PROJECT), "serve", "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=DEMO)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                sys.exit(f"The server did not start: see {DEMO / 'serve.log'}")
            say(f"It answers at {url} after {time.monotonic() - started:.1f} s.")
            yield url
        finally:
            server.terminate()
            server.wait(WAIT_SECONDS)


def ask(url: str, past: Sequence[Row]) -> None:
    """Two real requests, in the words of two callers."""
    listing = request_row(past[-1])
    for who, body in (
        ("A request as the documents word it", DOCUMENT_REQUEST),
        ("A listing as the file has it", listing),
    ):
        answer, ids = post(url, "/predict", body)
        said = f"{body['GrossSquareMeters']}, {body['BuildingAge']} years, {body['district']}"
        console.print(f"  {who} ({escape(said)}):\n  [bold]{escape(json.dumps(answer))}[/bold] [dim]id {ids[0]}[/dim]")
    say(
        "Both went through the same function that prepared the training data. No listing has the district of the "
        "first: it is answered, and counted. Each answer was on disk before it left."
    )


def meet_the_future(url: str, past: Sequence[Row], rows: Sequence[Row], accuracy: float) -> list[tuple[str, str]]:
    """Send what the market brought later; each prediction's id with what turned out to be true."""
    chapter("February 2022: the market has moved")
    started = time.monotonic()
    predicted, ids = predict(url, rows)
    seconds = time.monotonic() - started
    truths = [row[TARGET] for row in rows]
    right = sum(p == t for p, t in zip(predicted, truths, strict=True)) / len(rows)
    show_shares({"2021, learnt from": [row[TARGET] for row in past], "2022, answered": predicted})
    say(
        f"{len(rows):,} new listings were sent, {BATCH} at a time: answered in {seconds:.1f} s, none failed. "
        "They lie in other districts than before, and the same flat costs more. Nobody can know it yet, but the model "
        f"is right {hundredths(right)} times in 100, no longer {hundredths(accuracy)}."
    )
    return list(zip(ids, truths, strict=True))


def watch_it_drift() -> None:
    """The monitor, which needs no truths to see it."""
    chapter("Watched")
    found = slipway_json("monitor", "--html", "drift.html")
    table = plain_table("what", "measure", "found", "threshold", "")
    for alert in found["alerts"]:
        times = min(alert["value"] / alert["threshold"], 8.0)
        bar = f"[red]{'█' * max(round(4 * times), 1)}[/red]"
        cells = (
            alert["column"],
            alert["measure"].replace("_", " "),
            f"{alert['value']:.2f}",
            f"{alert['threshold']:g}",
        )
        table.add_row(*cells, bar)
    console.print(table)
    signals = {alert["measure"] for alert in found["alerts"]}
    say(
        f"No truth was needed for this: the last {found['rows']:,} predictions are held against what was learnt from. "
        f"{len(signals)} different signals are beyond their thresholds, and the monitor says: "
        f"[bold]{found['decision']}[/bold]. The same as a page: {REPORT.relative_to(ROOT)}"
    )


def send_truths(url: str, answered: Sequence[tuple[str, str]]) -> None:
    """What the flats sold for, by the ids of the answers."""
    chapter("The truth comes in")
    for part in parts(answered, 500):
        post(url, "/feedback", [{"id": prediction, "truth": truth} for prediction, truth in part])
    say(f"The flats are sold: {len(answered):,} truths are sent to POST /feedback, each by the id of its answer.")


def close_the_loop(url: str, rows: Sequence[Row]) -> None:
    """One tick of the loop: from drift to a better version that is live."""
    chapter("The loop: drift, retrain, gate, promote")
    done = slipway_json("loop", "--once")
    show_decisions(done["decisions"])
    gate = [decision for decision in done["decisions"] if decision["step"] == "gate"]
    show_gate(gate[-1].get("detail", gate[-1]))
    wait_for_version(url, done["live"])
    predicted, _ = predict(url, rows)
    right = sum(p == row[TARGET] for p, row in zip(predicted, rows, strict=True)) / len(rows)
    say(
        f"The server was not restarted, and answers with version {done['live']} now. "
        f"On {len(rows)} further listings of the new year it is right {hundredths(right)} times in 100."
    )


def keep_a_worse_one_out() -> None:
    """A candidate with too few trees, and what the gate says to it."""
    chapter("A worse one is kept out")
    params = PROJECT / "params.yaml"
    before = params.read_text()
    ran = slipway_json("run", "--set", "model.trees=2")
    show_gate(slipway_json("gate", allowed=(1,)))
    params.write_text(before)
    say(
        f"Somebody saves on trees: 2 instead of 80. Version {ran['candidate']} is right "
        f"{hundredths(ran['metrics']['accuracy'])} times in 100. The gate refuses it (exit code 1); what is live stays."
    )


def take_it_back(url: str) -> None:
    """Rollback, though nothing is wrong: to see that it works before it is needed."""
    chapter("Taken back")
    entry = slipway_json("rollback", "--why", "to see that it works")["entry"]
    wait_for_version(url, entry["version"])
    say(
        f"The version before was loaded and tested against its own examples, then made live. The same server "
        f"answers with version {entry['version']} again."
    )


def show_ledger() -> None:
    """What was live when, and why; the chain of hashes holds."""
    chapter("What is left: the ledger")
    found = slipway_json("ledger", "--verify")
    table = plain_table("", "action", "version", "why", "hash")
    for entry in found["entries"]:
        table.add_row(str(entry["seq"]), entry["action"], str(entry["version"]), entry["why"], entry["hash"][:8])
    console.print(table)
    say("Each entry carries the hash of the one before; --verify has just followed the chain.")


def the_end(seconds: float) -> None:
    console.print(Rule(style="dim"))
    console.print(f"\n  That took {seconds:.0f} s. The report, to open in a browser:\n")
    console.print(f"  {REPORT}", soft_wrap=True)
    console.print("\n  The same for a table of your own, from any folder:\n")
    name = shlex.quote(str(SLIPWAY))
    console.print(f"  {name} new mine --from your.csv --target COLUMN && {name} -C mine up\n", soft_wrap=True)


# The two ways to talk to Slipway: its command line, and HTTP.


def slipway(*arguments: str, at: Path = DEMO, allowed: Sequence[int] = (0,)) -> str:
    """Run one command as a reader could; its standard output."""
    show_command("slipway", *arguments)
    with console.status("[dim]working[/dim]"):
        done = subprocess.run([SLIPWAY, *arguments], cwd=at, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        sys.exit(f"slipway {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def slipway_json(*arguments: str, allowed: Sequence[int] = (0,)) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(slipway("-C", PROJECT.name, *arguments, "--json", allowed=allowed))
    return answer


def predict(url: str, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Predictions and their ids, a batch at a time."""
    predicted: list[str] = []
    ids: list[str] = []
    for part in parts(rows, BATCH):
        answer, part_ids = post(url, "/predict", [request_row(row) for row in part])
        predicted += [one["price_category"] for one in answer]
        ids += part_ids
    return predicted, ids


def post(url: str, path: str, body: Any) -> tuple[Any, list[str]]:
    """An answer, and the ids in its header."""
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return json.load(answer), (answer.headers.get("X-Prediction-Id") or "").split(",")
    except urllib.error.HTTPError as error:
        sys.exit(f"POST {path} was answered with {error.code}: {error.read().decode()[:500]}")


def wait_for_version(url: str, version: int) -> None:
    """Return once the server answers with a version."""
    started = time.monotonic()
    while time.monotonic() - started < WAIT_SECONDS:
        with urllib.request.urlopen(f"{url}/health", timeout=WAIT_SECONDS) as answer:
            if json.load(answer)["version"] == version:
                return
        time.sleep(0.05)
    sys.exit(f"The server did not take version {version} within {WAIT_SECONDS} s: see {DEMO / 'serve.log'}")


def request_row(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in (TARGET, "price_category", "split", "listing_id")}


def parts(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


# How it is told.


def chapter(title: str) -> None:
    console.print()
    console.print(Rule(f"[bold]{title}[/bold]", align="left", style="dim"))


def say(text: str) -> None:
    console.print(f"\n{text}")


def show_command(*words: str) -> None:
    # --json is for this page's sake; a reader wants the table.
    shown = " ".join(shlex.quote(word) for word in words if word != "--json")
    console.print(f"[cyan]$ {escape(shown)}[/cyan]", soft_wrap=True)


def show_gate(report: dict[str, Any]) -> None:
    styles = {"passed": "green", "failed": "bold red", "cannot tell": "yellow"}
    table = plain_table("check", "asked", "measured", "outcome")
    for line in report["lines"]:
        cells = (escape(str(line[key])) for key in ("check", "asked", "measured"))
        table.add_row(*cells, f"[{styles[line['outcome']]}]{line['outcome']}[/]")
    console.print(table)


def show_shares(periods: dict[str, Sequence[str]]) -> None:
    table = plain_table("price", *(name for period in periods for name in (period, "")))
    for price in ("low", "medium", "high"):
        shares = [Counter(labels)[price] / len(labels) for labels in periods.values()]
        table.add_row(
            price, *(cell for share in shares for cell in (f"{share:.0%}", f"[cyan]{'█' * round(30 * share)}[/cyan]"))
        )
    console.print(table)


def show_decisions(decisions: Sequence[dict[str, Any]]) -> None:
    table = plain_table("step", "outcome", "why")
    for decision in decisions:
        table.add_row(decision["step"], f"[bold]{escape(decision['outcome'])}[/bold]", escape(decision["why"]))
    console.print(table)


def plain_table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="dim", padding=(0, 3, 0, 0))


def hundredths(share: float) -> str:
    return f"{100 * share:.0f}"


if __name__ == "__main__":
    sys.exit(main())
