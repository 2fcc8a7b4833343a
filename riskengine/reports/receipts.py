"""How does a receipt of intake read?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from riskengine.intake.load import Receipt


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as a JSON value."""
    return {
        key: str(value) if hasattr(value, "isoformat") else value for key, value in asdict(receipt).items()
    }


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
