"""Results in, what a person reads in a terminal, or one JSON object, out. Progress goes to standard error."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.errors import SlipwayError
from slipway.records import Decision, LedgerEntry, Token

if TYPE_CHECKING:
    import polars as pl

    from slipway.journal.feedback import Kept
    from slipway.monitor.window import Monitored
    from slipway.new.write import NewProject
    from slipway.release.collect import Collected
    from slipway.release.gate import GateReport
    from slipway.results import JournalState, LedgerView, Looped, Ran, Status, StoodUp, VersionFacts
    from slipway.workspace import Workspace

PIPED_WIDTH = 160
"""Columns of a table that nobody looks at in a terminal."""
STYLES = {"passed": "green", "failed": "red", "cannot tell": "yellow", "ran": "green", "unchanged": "dim"}


class Terminal:
    """Shows results the way one command was asked to: quietly or not, for people or as JSON."""

    def __init__(self, *, is_quiet: bool = False, as_json: bool = False) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
        self._err = Console(stderr=True, quiet=is_quiet, highlight=False, soft_wrap=True)

    # Progress, on standard error

    def progress(self, stage: str, event: str) -> None:
        self._err.print(f"  {escape(stage):<20} [dim]{escape(event)}[/dim]")

    def decision(self, decision: Decision) -> None:
        self._err.print(f"  {decision.step:<9} [bold]{escape(decision.outcome)}[/bold]  {escape(decision.why)}")

    def failed(self, error: SlipwayError) -> None:
        """An error that ends nothing; it is told also where progress is not wanted."""
        sys.stderr.write(f"slipway: {error}\n")

    # Results, on standard output

    def text(self, text: str) -> None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def created(self, made: "NewProject") -> None:
        for line in made.lines():
            self._out.print(escape(line))

    def ran(self, ran: "Ran", *, with_why: bool = False) -> None:
        if self._as_json:
            self._json(ran.to_json())
        else:
            self._ran(ran, self._out, with_why=with_why)

    def ran_first(self, ran: "Ran") -> None:
        """A run on the way to something else: what it did is progress."""
        self._ran(ran, self._err, with_why=False)

    def _ran(self, ran: "Ran", console: Console, *, with_why: bool) -> None:
        for stage in ran.report.stages:
            style = STYLES.get(stage.outcome, "red")
            console.print(f"  {escape(stage.name):<20} [{style}]{stage.outcome:<11}[/{style}] {stage.seconds:7.2f} s")
            if with_why:
                for reason in stage.why:
                    console.print(f"  {'':<20} [dim]{escape(reason)}[/dim]")
        for note in ran.report.notes:
            self._err.print(f"  {escape(note)}")
        if ran.metrics and ran.report.error is None:
            console.print("  " + "  ".join(f"{escape(name)} [bold]{v:.4g}[/bold]" for name, v in ran.metrics.items()))
        if ran.candidate is not None:
            console.print(
                f"  Version [bold]{ran.candidate}[/bold] is a candidate: `slipway release` gates and releases it."
            )

    def stood_up(self, stood: "StoodUp") -> None:
        if stood.gate is not None:
            self._gate(stood.gate, self._err)
        kept = stood.gate is not None and not stood.gate.passed
        note = " (the candidate is refused; this one stays)" if kept else ""
        self._err.print(f"  Version [bold]{stood.live}[/bold] is live{note}.")

    def status(self, status: "Status") -> None:
        if self._as_json:
            stale = [{"name": s.name, "why": list(s.why)} for s in status.stale]
            self._json({"stale": stale, "live": status.live, "candidate": status.candidate})
            return
        for s in status.stale:
            self._out.print(f"  [yellow]stale[/yellow]  {escape(s.name)}: {escape('; '.join(s.why))}")
        if not status.stale:
            self._out.print("  Every stage is up to date.")
        self._out.print(f"  Live: {_version(status.live)}. Candidate: {_version(status.candidate)}.")

    def versions(self, versions: "list[VersionFacts]") -> None:
        if self._as_json:
            rows = [{"version": v.version, "state": v.state, "at": v.at, "metrics": dict(v.metrics)} for v in versions]
            self._json({"versions": rows})
            return
        metrics = sorted({name for v in versions for name in v.metrics})
        table = _table("version", "state", "made", *metrics)
        for v in versions:
            figures = [f"{v.metrics[m]:.4g}" if m in v.metrics else "" for m in metrics]
            table.add_row(str(v.version), v.state, v.at[:19], *figures)
        self._out.print(table)

    def gate(self, report: "GateReport") -> None:
        if self._as_json:
            self._json(report.to_json())
        else:
            self._gate(report, self._out)

    def _gate(self, report: "GateReport", console: Console) -> None:
        table = _table("check", "asked", "measured", "outcome")
        for line in report.lines:
            style = STYLES[line.outcome]
            cells = (escape(line.check), escape(str(line.asked)), escape(str(line.measured)))
            table.add_row(*cells, f"[{style}]{line.outcome}[/{style}]")
        console.print(table)
        verdict = "[green]passes[/green]" if report.passed else "[red]is refused[/red]"
        console.print(f"  Version {report.version} {verdict}.")

    def entry(self, entry: LedgerEntry | None) -> None:
        from slipway.release.ledger import entry_json

        if self._as_json:
            self._json({"entry": None if entry is None else entry_json(entry)})
        elif entry is None:
            self._out.print("  It is live already; nothing to do.")
        else:
            before = f", after version {entry.previous}" if entry.previous is not None else ""
            self._out.print(f"  Version [bold]{entry.version}[/bold] is live{before}. Entry {entry.seq} of the ledger.")

    def ledger(self, view: "LedgerView") -> None:
        from slipway.release.ledger import entry_json

        if self._as_json:
            self._json({"entries": [entry_json(e) for e in view.entries], "verified": view.verified.ok})
            return
        table = _table("seq", "at", "action", "version", "previous", "by", "why", "hash")
        for e in view.entries:
            previous = "" if e.previous is None else str(e.previous)
            cells = (
                str(e.seq),
                e.at[:19],
                e.action,
                str(e.version),
                previous,
                escape(e.by),
                escape(e.why),
                e.hash[:12],
            )
            table.add_row(*cells)
        self._out.print(table)
        if view.verified.ok:
            self._out.print("  The chain is [green]verified[/green].")
        else:
            self._out.print(f"  [red]The chain does not hold:[/red] {escape(view.verified.problem or '')}")

    def table(self, table: "pl.DataFrame", output: Path | None) -> None:
        from slipway.pipeline.tables import write_table

        if output is None:
            sys.stdout.write(table.write_csv())
        else:
            write_table(table, output)
            self._err.print(f"  {table.height:,} rows in {escape(str(output))}.")

    def simulated(self, output: Path, rows: int) -> None:
        self._err.print(f"  {rows:,} rows in {escape(str(output))}.")

    def feedback(self, kept: "Kept") -> None:
        if self._as_json:
            self._json(kept.to_json())
        else:
            self._out.print(f"  {escape(kept.sentence())}")

    def journal(self, state: "JournalState") -> None:
        if self._as_json:
            self._json({"predictions": state.predictions, "truths": state.truths, "waiting": state.waiting})
        else:
            self._out.print(
                f"  {state.predictions:,} predictions and {state.truths:,} truths are journalled; "
                f"{state.waiting:,} records wait in the spool."
            )

    def tokens(self, tokens: "list[Token]") -> None:
        if self._as_json:
            rows = [{"name": t.name, "scopes": list(t.scopes), "made_at": t.made_at} for t in tokens]
            self._json({"tokens": rows})
        elif tokens:
            table = _table("name", "scopes", "made")
            for t in tokens:
                table.add_row(t.name, ", ".join(t.scopes), t.made_at[:19])
            self._out.print(table)
        else:
            self._out.print("  No token: the service answers everybody on this machine, and nobody beyond it.")

    def token(self, name: str, token: str) -> None:
        if self._as_json:
            self._json({"name": name, "token": token})
        else:
            self._err.print(
                f"  The token of [bold]{escape(name)}[/bold], told this once. To be sent with each request:"
            )
            self._err.print("  Authorization: Bearer TOKEN")
            self.text(token)

    def revoked(self, name: str) -> None:
        if self._as_json:
            self._json({"revoked": name})
        else:
            self._err.print(f"  The token of [bold]{escape(name)}[/bold] is revoked.")

    def collected(self, collected: "Collected") -> None:
        if self._as_json:
            self._json(collected.to_json())
            return
        for leftover in collected.leftovers:
            self._out.print(
                f"  {_size(leftover.bytes):>10}  {escape(str(leftover.path))}  [dim]{escape(leftover.why)}[/dim]"
            )
        verb = "would be removed" if collected.is_dry else "removed"
        self._out.print(f"  {len(collected.leftovers)} {verb}, {_size(collected.bytes)} ({collected.bytes:,} bytes).")

    def monitored(self, found: "Monitored", page: Path | None) -> None:
        if self._as_json:
            self._json(found.to_json())
        else:
            from slipway.monitor.report import print_report

            print_report(found.report, self._out, window=found.window)
        if page is not None:
            self._err.print(f"  The page is in {escape(str(page.resolve()))}.")

    def looped(self, result: "Looped") -> None:
        if self._as_json:
            self._json({"decisions": [decision_json(d) for d in result.decisions], "live": result.live})
        else:
            self._out.print(f"  Live: {_version(result.live)}.")

    def first_answer(self, url: str, project: "Workspace") -> None:
        """Print a request with a real row, and its answer, once the service is ready."""
        from slipway.serve.sample import sample_request

        path, body = sample_request(project.live_scorer().bundle)
        text = json.dumps(body, ensure_ascii=False)
        quoted = text.replace("'", "'\\''")
        # With tokens there is none to be had here: of those that were made only digests are kept.
        needs_token = bool(project.tokens.all())
        header = ' -H "Authorization: Bearer $TOKEN"' if needs_token else ""
        with_token = "; TOKEN is one with the scope predict" if needs_token else ""
        self._err.print(f"  Serving at [bold]{url}[/bold]; Ctrl-C ends it. Try{with_token}:\n")
        sys.stdout.write(f"curl -X POST {url}{path} -H 'Content-Type: application/json'{header} -d '{quoted}'\n")
        sys.stdout.flush()
        if needs_token:
            return
        # From a thread of its own: the server calls this from the loop that has to answer.
        Thread(target=self._ask, args=(url + path, text.encode()), daemon=True).start()

    def _ask(self, url: str, body: bytes) -> None:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                said = answer.read().decode()
        except urllib.error.HTTPError as error:
            said = error.read().decode()
        except OSError as error:
            said = f"no answer: {error}"
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()

    def _json(self, value: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()


def decision_json(decision: Decision) -> dict[str, Any]:
    """One decision of `loop --json`."""
    return {
        "step": decision.step,
        "outcome": decision.outcome,
        "why": decision.why,
        "at": decision.at,
        "detail": dict(decision.detail),
    }


def _version(version: int | None) -> str:
    return "none" if version is None else f"version {version}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
