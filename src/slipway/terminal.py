"""Results in, what a person reads in a terminal, or one JSON object, out. Progress goes to standard error."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.errors import SlipwayError
from slipway.files import Draft
from slipway.records import Decision, LedgerEntry, Token
from slipway.rounding import counted, rounded

if TYPE_CHECKING:
    import polars as pl

    from slipway.gate.hold import GateReport
    from slipway.jobs import Done
    from slipway.journal.feedback import Kept
    from slipway.journal.purge import Purged
    from slipway.monitor.window import Monitored
    from slipway.new.write import NewProject
    from slipway.release.collect import Collected
    from slipway.release.versions import VersionFacts
    from slipway.results import JournalState, LedgerView, Looped, Ran, Status, StoodUp
    from slipway.serve.presence import ServiceState
    from slipway.stack.running.status import ServiceStatus
    from slipway.workspace import Workspace

PIPED_WIDTH = 160
"""Columns of a table that nobody looks at in a terminal."""
STYLES = {"failed": "red", "ran": "green", "unchanged": "dim"}


class Terminal:
    """Shows results the way one command was asked to: quietly or not, for people or as JSON."""

    def __init__(self, *, is_quiet: bool = False, as_json: bool = False) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
        self._err = Console(stderr=True, quiet=is_quiet, highlight=False, soft_wrap=True)

    # Progress, on standard error

    def progress(self, stage: str, event: str) -> None:
        self._err.print(f"  {escape(stage):<20} [dim]{escape(event)}[/dim]")

    def note(self, text: str) -> None:
        self._err.print(f"  [dim]{escape(text)}[/dim]")

    def decision(self, decision: Decision) -> None:
        self._err.print(f"  {decision.step:<9} [bold]{escape(decision.outcome)}[/bold]  {escape(decision.why)}")

    def failed(self, error: SlipwayError) -> None:
        """An error that ends nothing; it is told also where progress is not wanted."""
        sys.stderr.write(f"slipway: {error}\n")

    # Results, on standard output

    def text(self, text: str) -> None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()  # a server may go on for days behind it

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
            console.print(
                "  " + "  ".join(f"{escape(name)} [bold]{rounded(v)}[/bold]" for name, v in ran.metrics.items())
            )
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

    def job(self, done: "Done") -> None:
        if self._as_json:
            self._json(done.to_json())
            return
        if done.ran is not None:
            self._ran(replace(done.ran, candidate=None), self._out, with_why=False)  # what became of it is said below
        if done.stood is not None:
            self.stood_up(done.stood)
        if done.carried is not None:
            self._out.print(f"  {escape(done.carried.sentence())}")

    def services(self, project: str, services: "Sequence[ServiceStatus]") -> None:
        """How a stack stands."""
        if self._as_json:
            self._json({"project": project, "services": [each.to_json() for each in services]})
        else:
            from slipway.stack.running.show import print_services

            print_services(services, self._out)

    def told(self, found: Mapping[str, Any], lines: Iterable[str]) -> None:
        """What a verb found: as one object, or in a line each."""
        if self._as_json:
            self._json(dict(found))
            return
        for line in lines:
            self._out.print(f"  {escape(line)}")

    def status(self, status: "Status") -> None:
        if self._as_json:
            stale = [{"name": s.name, "why": list(s.why)} for s in status.stale]
            told = {"stale": stale, "live": status.live, "candidate": status.candidate}
            sources = [source.to_json() for source in status.sources]
            problem = {"ledger_problem": status.ledger_problem}
            self._json({**told, "pending": list(status.pending), "sources": sources, **problem})
            return
        for s in status.stale:
            self._out.print(f"  [yellow]stale[/yellow]  {escape(s.name)}: {escape('; '.join(s.why))}")
        if not status.stale:
            self._out.print("  Every stage is up to date.")
        if status.ledger_problem is None:
            self._out.print(f"  Live: {_version(status.live)}. Candidate: {_version(status.candidate)}.")
        for source in status.sources:
            self._out.print(f"  [dim]{escape(str(source))}[/dim]")
        for bundle in status.pending:
            self._out.print(
                f"  [yellow]pending[/yellow]  bundle {bundle[:12]}: the tracker has still to give it a version; the "
                "next run, gate or loop asks it."
            )

    def versions(self, versions: "list[VersionFacts]") -> None:
        if self._as_json:
            self._json({"versions": [v.to_json() for v in versions]})
            return
        from slipway.release.show import print_versions

        print_versions(versions, self._out)

    def gate(self, report: "GateReport") -> None:
        if self._as_json:
            self._json(report.to_json())
        else:
            self._gate(report, self._out)

    def _gate(self, report: "GateReport", console: Console) -> None:
        from slipway.gate.show import print_table

        print_table(report, console)

    def entry(self, entry: LedgerEntry | None, untold: SlipwayError | None = None) -> None:
        from slipway.release.ledger import entry_json

        if untold is not None:
            self.failed(untold)
        if self._as_json:
            self._json({"entry": None if entry is None else entry_json(entry)})
        elif entry is None:
            self._out.print("  It is live already; nothing to do.")
        else:
            before = f", after version {entry.previous}" if entry.previous is not None else ""
            returned = f": {entry.action}" if entry.action != "released" else ""
            said = f"Version [bold]{entry.version}[/bold] is live{before}{returned}"
            self._out.print(f"  {said}. Entry {entry.seq} of the ledger.")

    def followed(self, services: "Sequence[ServiceState]", entry: LedgerEntry) -> None:
        """Say whether the services on this machine have followed an entry of the ledger."""
        for url in dict.fromkeys(service.url for service in services):
            states = [service for service in services if service.url == url]
            problem = next((service.problem for service in states if service.problem is not None), None)
            if problem is not None:
                self.note(f"{url} keeps what it served: {problem}")
            elif all(service.has_followed(entry.seq) for service in states):
                self.note(f"{url} serves version {entry.version} now.")
            else:
                self.note(f"{url} has not followed yet: it looks twice a second, and its log says why where it cannot.")

    def ledger(self, view: "LedgerView") -> None:
        from slipway.release.ledger import entry_json

        if self._as_json:
            anchored = None if view.anchored is None else view.anchored.sentence()
            told = {"problem": view.verified.problem, "anchored": anchored}
            self._json({"entries": [entry_json(e) for e in view.entries], "verified": view.ok, **told})
            return
        from slipway.release.show import print_ledger

        print_ledger(view.entries, view.verified, view.anchored, self._out)

    def table(self, table: "pl.DataFrame", output: Path | None, *, mode: int | None = None) -> None:
        from slipway.tables.files import write_table
        from slipway.tables.texts import csv_table

        if output is None:
            sys.stdout.write(csv_table(table).write_csv())
        else:
            with Draft(output, mode=mode) as draft:
                write_table(table, draft.path)
                draft.commit()
            self._err.print(f"  {counted(table.height, 'row')} in {escape(str(output))}.")

    def parts(self, parts: "Iterator[pl.DataFrame]", output: Path | None) -> None:
        """One table, of which a part at a time is in memory."""
        from slipway.model.batch import write_csv, write_parts

        if output is None:
            write_csv(parts, sys.stdout.buffer)
        else:
            self._err.print(f"  {counted(write_parts(parts, output), 'row')} in {escape(str(output))}.")

    def simulated(self, output: Path, rows: int) -> None:
        self._err.print(f"  {counted(rows, 'row')} in {escape(str(output))}.")

    def feedback(self, kept: "Kept") -> None:
        if self._as_json:
            self._json(kept.to_json())
        else:
            self._out.print(f"  {escape(kept.sentence())}")

    def journal(self, state: "JournalState") -> None:
        if self._as_json:
            self._json(state.to_json())
            return
        self._out.print(
            f"  Journalled: {counted(state.predictions, 'prediction')} and {counted(state.truths, 'truth')}; "
            f"{counted(state.waiting, 'record')} in the spool."
        )
        for share in state.labels:
            beyond = f"; {share.left_out:,} are left out of a retraining, beyond max_source_share"
            said = f"  {counted(share.labels, 'label')} by {escape(share.source)}{beyond if share.left_out else ''}"
            self._out.print(said)
        if state.damaged:
            self._out.print(f"  {state.damaged:,} damaged records are set aside; `--purge ID` removes one.")
        for each in state.damaged_records:
            self._out.print(f"  [dim]{escape(each.sentence())}[/dim]")
        if state.place:
            self._out.print(f"  It is kept in {escape(state.place)}.")

    def purged(self, purged: "Purged") -> None:
        if self._as_json:
            self._json({"purged": purged.to_json()})
        else:
            self._out.print(f"  {escape(purged.sentence())}")

    def tokens(self, tokens: "list[Token]") -> None:
        if self._as_json:
            rows = [
                {"name": t.name, "scopes": list(t.scopes), "made_at": t.made_at, "expires_at": t.expires_at}
                for t in tokens
            ]
            self._json({"tokens": rows})
        elif tokens:
            table = _table("name", "scopes", "made", "expires")
            for t in tokens:
                expires = "never" if t.expires_at is None else t.expires_at[:19]
                table.add_row(t.name, ", ".join(t.scopes), t.made_at[:19], expires)
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

    def revoked(self, name: str, *, is_last: bool) -> None:
        if self._as_json:
            self._json({"revoked": name})
        else:
            self._err.print(f"  The token of [bold]{escape(name)}[/bold] is revoked.")
            if is_last:
                self._err.print(
                    "  None is left: where it listens on this machine alone, the service answers without one again."
                )

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
        if collected.expired is not None:
            self._out.print(f"  Older than the project keeps: {escape(collected.expired.sentence())}")
        for each in collected.elsewhere:
            said = f"{escape(str(each.path))}  [dim]not needed by dvc.lock; {escape(each.remedy)}[/dim]"
            self._out.print(f"  {_size(each.bytes):>10}  {said}")

    def monitored(self, found: "Monitored", page: Path | None) -> None:
        if self._as_json:
            self._json(found.to_json())
        else:
            from slipway.monitor.report import print_report

            print_report(found.report, self._out, window=found.window)
            for unread in found.unread:
                self._out.print(f"  {escape(unread.sentence())}")
        if page is not None:
            self._err.print(f"  The page is in {escape(str(page.resolve()))}.")

    def looped(self, result: "Looped") -> None:
        if self._as_json:
            self._json({"decisions": [decision_json(d) for d in result.decisions], "live": result.live})
        else:
            self._out.print(f"  Live: {_version(result.live)}.")

    def first_answer(self, url: str, project: "Workspace") -> None:
        """Print a request with a real row, and its answer, once the service is ready."""
        from slipway.serve.pages.sample import ask, curl_line, sample_request

        path, body = sample_request(project.live_scorer().bundle)
        text = json.dumps(body, ensure_ascii=False)
        # With tokens there is none to be had here: of those that were made only digests are kept.
        needs_token = bool(project.tokens.all())
        with_token = "; TOKEN is one with the scope predict" if needs_token else ""
        self._err.print(f"  Serving at [bold]{url}[/bold]; Ctrl-C ends it. Try{with_token}:\n")
        self.text(curl_line(url + path, text, with_token=needs_token))
        if needs_token:
            return
        # From a thread of its own: the server calls this from the loop that has to answer.
        Thread(target=lambda: self.text(ask(url + path, text)), daemon=True).start()

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
