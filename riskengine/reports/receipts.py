"""How does a receipt of intake read?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from riskengine.intake.deliveries import Counted, Delivery
from riskengine.intake.load import Receipt
from riskengine.store.ledger import HeldFile

if TYPE_CHECKING:
    from riskengine.identity.resolve import Resolution

TOP_RULES = 3


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as a JSON value."""
    return {
        key: str(value) if hasattr(value, "isoformat") else value for key, value in asdict(receipt).items()
    }


def delivery_line(delivery: Delivery) -> str:
    """What became of one source's files, in a line."""
    held = f"; {len(delivery.held)} held" if delivery.held else ""
    count = f"{delivery.files} file{'s' if delivery.files != 1 else ''}"
    return f"{delivery.source}  {count}: {rows_line(delivery.counted())}{held}"


def identity_line(found: Resolution) -> str:
    """What became of the rows that name nobody by code, in a line."""
    filled = f"{found.rows_filled:,} of {found.rows_open:,} rows without a code filled"
    return f"identity: {filled}, {found.queued} wait"


def rows_line(counted: Counted) -> str:
    """The equation of rows, and the rules that were broken most."""
    line = (
        f"{counted.rows_in:,} rows in = {counted.accepted:,} accepted + {counted.quarantined:,} quarantined"
        f" + {counted.duplicates:,} exact duplicates"
    )
    rules = [f"{rule} {count:,}" for rule, count in counted.rules.items()]
    more = f", {len(rules) - TOP_RULES} more rules" if len(rules) > TOP_RULES else ""
    return f"{line} ({', '.join(rules[:TOP_RULES])}{more})" if rules else line


def held_line(held: HeldFile) -> str:
    """A held file, its first problem and how many more there are."""
    more = f" (and {len(held.problems) - 1} more)" if len(held.problems) > 1 else ""
    return f"held: {held.source}/{held.file}, received {held.received}: {held.first}{more}"


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """What became of one source's files as a JSON value."""
    return {
        "source": delivery.source,
        "files": delivery.files,
        **asdict(delivery.counted()),
        "held": [held_json(file) for file in delivery.held],
    }


def held_json(held: HeldFile) -> dict[str, Any]:
    """A held file as a JSON value."""
    keys = ("where", "expected", "got", "next")
    problems = [dict(zip(keys, problem, strict=True)) for problem in held.problems]
    return asdict(held) | {"received": str(held.received), "problems": problems}


def receipt_lines(receipt: Receipt) -> list[str]:
    """A receipt in a few lines; the equation always stands in the first."""
    lines = [
        f"{receipt.source}  {receipt.file}: {receipt.rows_in:,} rows in = {receipt.accepted:,} accepted"
        f" + {receipt.quarantined:,} quarantined + {receipt.duplicates:,} exact duplicates"
    ]
    if receipt.quarantine_by_rule:
        rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(receipt.quarantine_by_rule.items()))
        lines.append(f"    quarantined: {rules} (riskengine quarantine {receipt.source})")
    if receipt.absent:
        lines.append(f"    columns not in the file: {', '.join(receipt.absent)}")
    if receipt.snapshot_before == receipt.snapshot_after:
        lines.append(f"    no change: snapshot {receipt.snapshot_after}")
    else:
        span = f", events {receipt.first_event} to {receipt.last_event}" if receipt.first_event else ""
        lines.append(f"    snapshot {receipt.snapshot_after}{span}")
    return lines
