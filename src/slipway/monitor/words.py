"""The sentences that a person reads of a drift report, in the terminal and on the page."""

from collections.abc import Mapping
from typing import Any

from slipway.monitor.check import DriftReport
from slipway.monitor.overlay import Bars
from slipway.monitor.reading import Alert, ColumnDrift, Reading

MEASURES = {
    "psi": "Distribution",
    "cardinality_ratio": "Distinct values",
    "prediction_drift": "Predictions",
    "truth_drift": "Truths",
    "missing": "Missing",
    "unreadable": "Unreadable",
    "unseen": "Unseen categories",
    "mean_shift": "Mean",
    "out_of_range": "Out of range",
    "spike": "One value",
    "vanished_share": "Vanished categories",
    "ks": "Largest distance",
    "jensen_shannon": "Jensen–Shannon",
    "quality_drop": "Worse than on the test rows",
}
SHARES = ("missing", "unreadable", "unseen", "out_of_range", "vanished_share", "quality_drop")
"""Measures that are told in percent."""
RISES = ("missing", "unreadable")
"""Those that are a rise of a share."""
CALLED = {"prediction": "what the model answers", "quality": "how right it is", "truth": "what turned out to be true"}
"""What is no column, by its role."""
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def signal(alert: Alert) -> str:
    """An alert as a decision or a notice tells it: "psi of area 0.412 > 0.25", "answers 23 % worse … > 10 %"."""
    if alert.measure == "quality_drop":
        return f"answers {direction(alert.value)} than on the test rows > {percent(alert.threshold)}"
    size = f"{abs(alert.value):.3g}"
    if alert.measure in RISES:
        size += " more"
    if alert.value < 0:
        size += " down"
    return f"{alert.measure} of {alert.column} {size} > {alert.threshold:g}"


def verdict(report: DriftReport) -> str:
    """The decision in one line: "Two signals beyond their thresholds: retrain"."""
    if report.decision == "too small":
        return f"Too few rows to judge: {report.rows:,} of at least {report.min_rows:,}"
    many = len(report.signals)
    if not many:
        return "No signal beyond its threshold"
    beyond = "signal beyond its threshold" if many == 1 else "signals beyond their thresholds"
    word = NUMBERS[many] if many < len(NUMBERS) else str(many)
    worse = ", critical" if report.critical else ""
    return f"{word} {beyond}{worse}: {'retrain' if report.decision == 'retrain' else 'alarm'}"


def explanation(report: DriftReport) -> str:
    """What the verdict rests on, in a sentence or two."""
    if report.decision == "too small":
        return "A window this small shows differences by chance alone, so nothing in it is an alarm."
    if not report.alerts:
        return "What comes in looks like what the model learnt from, as far as a window of this size can tell."
    columns = list(dict.fromkeys(alert.column for alert in report.alerts))
    more = [f"{len(columns) - 3} more"] if columns[3:] else []
    named = _listed([called(report.columns[name]) for name in columns[:3]] + more)
    where = f"The window differs from the reference in {named}."
    if report.decision == "retrain" and len(report.signals) < report.signals_to_retrain:
        return f"{where} A critical level asks for a retraining by itself."
    if report.decision == "retrain":
        return f"{where} {_signals(report.signals_to_retrain)} at once ask for a retraining."
    return f"{where} A retraining is asked for when {_signals(report.signals_to_retrain).lower()} are beyond."


def sentence(column: ColumnDrift) -> str:
    """What happened to one column, in plain words."""
    measures = [alert.measure for alert in column.alerts]
    if "psi" in measures:  # which tells of the same rows
        measures = [measure for measure in measures if measure != "spike"]
    told = [_told(column, measure) for measure in measures]
    if told:
        return " ".join(dict.fromkeys(told))
    if column.flag == "clock":
        return "Moves with time by its nature, so it is shown and never an alarm."
    if column.flag == "id":
        return "Nearly every value is another one, as with an identifier, so it is shown and never an alarm."
    if all(reading.value is None for reading in column.readings):
        return "Nothing to compare: one side has no values."
    if column.role == "raw":
        return "Used before the model sees it; here only missing values are counted."
    if column.role == "quality":
        return f"Answers with a known truth are {figure(column.readings[0])}{_than(column)} those to the test rows."
    if column.role == "truth":
        return "What turned out to be true, held against the truths of the test rows."
    if any(reading.threshold is not None for reading in column.readings):
        return "Much like the reference." if column.weight < 0.35 else "Somewhat different, within its thresholds."
    return "Shown without a threshold."


def number(value: float | None) -> str:
    """A figure in three or four digits."""
    if value is None:
        return "–"
    if value == 0 or 0.001 <= abs(value) < 1:
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if abs(value) < 0.001 or abs(value) >= 1e9:
        return f"{value:.1e}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share as people say it: 12 %, 0.4 %."""
    points = abs(share) * 100
    if points and points < 0.1:
        return "<0.1 %"
    return f"{points:.0f} %" if points >= 9.95 or not points else f"{points:.1f} %"


def figure(reading: Reading) -> str:
    """A reading's value in its own unit."""
    if reading.value is None:
        return "–"
    if reading.measure == "quality_drop":
        return direction(reading.value)
    if reading.measure in SHARES:
        sign = "+" if reading.measure in RISES and reading.value > 0 else "−" if reading.value < 0 else ""
        return f"{sign}{percent(reading.value)}"
    if reading.measure == "cardinality_ratio":
        return f"{number(reading.value)} ×"
    if reading.measure == "mean_shift":
        return f"{round(reading.value, 2) + 0.0:+.2f} sd".replace("-", "−")
    return number(reading.value)


def direction(drop: float) -> str:
    """How much worse or better something is, without a sign to be guessed at: "23 % worse"."""
    return "as good" if percent(drop) == "0 %" else f"{percent(drop)} {'worse' if drop > 0 else 'better'}"


def limit(reading: Reading) -> str:
    """A reading's threshold in words: "alarm above 0.25"; empty where it has none."""
    if reading.threshold is None:
        return ""
    told = percent if reading.measure in SHARES else number
    unit = " worse" if reading.measure == "quality_drop" else ""
    worse = "" if reading.critical is None else f", critical above {told(reading.critical)}{unit}"
    return f"alarm above {told(reading.threshold)}{unit}{worse}"


def _told(column: ColumnDrift, measure: str) -> str:
    facts, reading = column.facts, next(r for r in column.readings if r.measure == measure)
    if measure == "cardinality_ratio":
        return f"{number(reading.value)} times as many distinct values as this many rows should have."
    if measure == "quality_drop":
        found = facts["metrics"][facts["worst"]]
        name = str(facts["worst"]).replace("_", " ")
        return (
            f"Answers are {direction(reading.value or 0.0)} than on the test rows: {name} {number(found['window'])} on "
            f"{facts['truths']:,} rows with known truth, {number(found['reference'])} there."
        )
    if measure == "truth_drift":
        return f"{_truths(column)} These are {facts['truths']:,} truths, held against those of the test rows."
    if measure == "out_of_range":
        beyond = "are from long before" if column.flag == "clock" else "are beyond"
        return f"{percent(reading.value or 0.0)} of the rows {beyond} every value that the model learnt from."
    if measure == "unreadable":
        return (
            f"The online stages make null of {percent(reading.value or 0.0)} more of the values than in the reference: "
            "something is there that they can't read."
        )
    if measure == "spike":
        found = facts["spike_at"]
        value = f"“{_short(found['value'])}”" if isinstance(found["value"], str) else _value(found)
        return f"{value} is in {percent(found['window'])} of the rows, {percent(found['reference'])} in the reference."
    if measure == "vanished_share":
        examples = _listed([f"“{_short(value)}”" for value in facts.get("vanished", [])[:2]])
        named = f", such as {examples}" if examples else ""
        return f"Categories of {percent(reading.value or 0.0)} of the reference's rows are gone{named}."
    if measure == "missing":
        before, after = facts.get("missing_reference", 0.0), facts.get("missing_window", 0.0)
        return f"No value in {percent(after)} of the rows, {percent(before)} in the reference."
    if measure == "unseen":
        examples = _listed([f"“{_short(value)}”" for value in facts.get("unseen_examples", [])[:2]])
        named = f", such as {examples}" if examples else ""
        return f"{percent(reading.value or 0.0)} of the rows have a category that the model never saw{named}."
    if isinstance(column.overlay, Bars):
        return _moved_share(column.overlay, column.role == "prediction")
    before, after = facts.get("mean_reference"), facts.get("mean")
    if before is None or after is None or column.type == "time":
        return "Its values are spread differently from the reference."
    what = "The model's answers" if column.role == "prediction" else "Its values"
    if number(before) == number(after):
        return f"{what} are spread differently; their mean stayed at {number(after)}."
    return f"{what} moved {'up' if after > before else 'down'}: the mean went from {number(before)} to {number(after)}."


def _moved_share(bars: Bars, is_prediction: bool) -> str:
    moves = [abs(after - before) for before, after in zip(bars.reference, bars.window, strict=True)]
    if bars.rest and len(moves) > 1:
        moves[-1] /= 3  # a category with a name says more than all the others together
    moved = max(range(len(moves)), key=moves.__getitem__)
    label, before, after = bars.labels[moved], bars.reference[moved], bars.window[moved]
    if label in bars.unseen:
        if label == "other values":
            return f"Values that the model never saw make up {percent(after)} of the rows."
        return f"“{_short(label)}”, never seen before, makes up {percent(after)} of the rows."
    named = f"“{_short(label)}”" if not (bars.rest and moved == len(bars.labels) - 1) else "The rarer categories"
    if is_prediction:
        return f"The model answers {named} in {percent(after)} of the rows, {percent(before)} in the reference."
    verb = "make" if named.startswith("The ") else "makes"
    return f"{named} {verb} up {percent(after)} of the rows, {percent(before)} in the reference."


def _value(found: Mapping[str, Any]) -> str:
    low, high = found["value"]
    if low is None or high is None:
        return f"One value, {'below' if low is None else 'above'} {number(high if low is None else low)},"
    return (
        f"One value, {number(low)}," if number(low) == number(high) else f"A value from {number(low)} to {number(high)}"
    )


def _truths(column: ColumnDrift) -> str:
    bars = column.overlay
    if isinstance(bars, Bars):
        moves = [abs(after - before) for before, after in zip(bars.reference, bars.window, strict=True)]
        moved = max(range(len(moves)), key=moves.__getitem__)
        share, share_before = percent(bars.window[moved]), percent(bars.reference[moved])
        return f"“{_short(bars.labels[moved])}” is true of {share} of the rows, {share_before} before."
    before, after = column.facts.get("mean_reference"), column.facts.get("mean")
    return f"The mean of what is true went from {number(before)} to {number(after)}."


def called(column: ColumnDrift) -> str:
    """A column as a person reads it: its name, or what stands for one."""
    return CALLED.get(column.role, column.name)


def _than(column: ColumnDrift) -> str:
    return " as" if figure(column.readings[0]) == "as good" else " than"


def _signals(many: int) -> str:
    word = NUMBERS[many] if many < len(NUMBERS) else str(many)
    return f"{word} signal{'s' if many != 1 else ''}"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
