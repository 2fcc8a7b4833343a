"""Which rows of a file are news, and which only repeat what the store, or the file itself, has said already?"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from riskengine.intake.contract import SourceContract
from riskengine.store.facts import FactStore


def news(store: FactStore, contract: SourceContract, facts: pa.Table, again: bool) -> pa.Table:
    """The rows that are not exact duplicates of a stored fact or of an earlier row of the file.

    A value that comes back after another one is news: only a repetition of what stands last for its key and clocks is
    a duplicate. Rows of one key and dated clocks that a later delivery repeats as a whole, and a file that was seen
    before (`again`), bring no such news.
    """
    slot: list[str] = []
    if not again:
        slot = [*contract.key, *(["event_date"] if contract.event_clock.column else [])]
        slot += ["known_at"] if contract.known_clock.column else []
        slot = list(dict.fromkeys(slot))
    digests = facts.column("fact_hash").combine_chunks()
    ever = store.known_hashes(contract.name, digests)
    if not ever and pc.count_distinct(digests).as_py() == len(digests):
        return facts
    held = (
        store.known_hashes(contract.name, pa.array(sorted(ever), pa.string()), slot)
        if slot and ever
        else ever
    )
    facts, told_once = apart(facts, ever, slot)
    news = facts.filter(pa.array(unrepeated(contract, facts, slot, (held, ever)), pa.bool_()))
    return pa.concat_tables([news, told_once]).sort_by("row")


def apart(facts: pa.Table, ever: set[str], slot: list[str]) -> tuple[pa.Table, pa.Table]:
    """The rows in whose slot something is told again, in the file or after the store, and all the others."""
    digests = facts.column("fact_hash").combine_chunks()
    counted = pc.value_counts(digests)
    twice = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    again = pa.concat_arrays([twice, pa.array(sorted(ever), pa.string())])
    mine = pc.is_in(digests, again)
    if slot:
        numbered = facts.select(slot).append_column("#place", pa.array(range(facts.num_rows), pa.int64()))
        places = numbered.filter(mine).select(slot)
        found = numbered.join(places, slot, join_type="left semi").column("#place")
        mine = pc.is_in(numbered.column("#place"), found.combine_chunks())
    return facts.filter(mine), facts.filter(pc.invert(mine))


def unrepeated(
    contract: SourceContract, facts: pa.Table, slot: list[str], stored: tuple[set[str], set[str]]
) -> list[bool]:
    """Which rows are news, told one by one; `stored`: the hashes that stand in their slot, and all there ever were."""
    held, ever = stored
    hashes = facts.column("fact_hash").to_pylist()
    places = list(zip(*(facts.column(name).to_pylist() for name in slot), strict=True)) if slot else hashes
    dated = bool(slot and contract.known_clock.column)  # by arrival, a sequence told again did happen again
    said: dict[object, list[str]] = {}
    for place, digest in zip(places, hashes, strict=True):
        said.setdefault(place, []).append(digest)
    whole = {place for place, found in said.items() if dated and found[-1] in held and ever.issuperset(found)}
    last: dict[object, str] = {}
    keep = []
    for place, digest in zip(places, hashes, strict=True):
        repeated = place in whole or (last[place] == digest if place in last else digest in held)
        last[place] = digest
        keep.append(not repeated)
    return keep
