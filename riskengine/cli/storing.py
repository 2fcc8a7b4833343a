"""Words about the store itself: `store show`, `store compact`, `store vacuum`, `store verify`, `store reindex`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

if TYPE_CHECKING:
    from riskengine.project import Project
    from riskengine.store.retention import Gone, Sorting

_SHOWN = 20  # of a kind; --json has all
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]
_WORDS = {
    "source": ("sources", "个来源"), "rows": ("rows", "行"), "data": ("data files", "个数据文件"), "index": ("index files", "个索引文件"),
    "one": ("one enterprise reads", "一家企业读取"), "bytes": ("bytes", "字节"), "snapshots": ("snapshots", "个快照"),
    "current": ("current", "当前"), "of": ("of {} row groups", "共 {} 个行组"), "files": ("files", "个文件"),
    "replayable": ("kept: a record names it", "保留：有记录引用"), "young": ("kept: in use until lately", "保留：停用未满期限"),
    "snapshot": ("snapshot", "快照"), "edition": ("replaced night", "被替换的夜间发布"), "left over": ("half-written file", "残留文件"),
    "goes": ("can go (out of use for {} days)", "可清理（停用满 {} 天）"), "went": ("removed (out of use for {} days)", "已清理（停用满 {} 天）"),
    "nothing": ("Nothing can go", "没有可清理的内容"), "yes": ("Nothing was removed: --yes removes it", "未删除任何内容：加 --yes 执行删除"),
    "why": ("why", "原因"), "sound": ("every byte is sound", "逐字节校验无误"), "nights": ("nights", "份夜间发布"),
    "lives": ("facts live in", "事实存放于"),
    "unread": ("{files} that no table reads (replaced by compact, or never committed), {size}: store vacuum removes them from {first} to {last}",
               "{files}已无数据表读取（已被合并取代或未提交），共 {size}：{first} 至 {last} 起可由 store vacuum 清理"),
}  # fmt: skip

store_words = typer.Typer(
    name="store", help="What lies in the store, merged, tidied up, verified. 数据仓库", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(store_words)


@store_words.command()
def show(context: typer.Context, as_json: Json = False, language: Language = "") -> None:
    """What each source has: rows, files, bytes, how much one enterprise touches; and the snapshots. 查看仓库"""
    from riskengine.store import place
    from riskengine.store.facts import FactStore
    from riskengine.store.holdings import holdings, snapshot_sizes
    from riskengine.store.retention import unread_data

    project = project_of(context)
    store = FactStore(project.store)
    current, held, sizes = store.snapshot().id, holdings(store), snapshot_sizes(store.root)
    unread, days = unread_data(store), project.environment.store.days_kept(clock.today())
    if as_json:
        _print({"facts": place.of(store.root), "current": current, "sources": [one.to_json() for one in held],
                "snapshots": sizes, "unread": [asdict(one) for one in unread]})  # fmt: skip
        return
    say = _speaker(project, language)
    if place.of(store.root):
        typer.echo(f"{say('lives')} {place.of(store.root)}")
    for one in held:
        of = say("of").format(f"{one.row_groups:,}")
        typer.echo(
            f"{one.source:<18} {say('rows', one.rows):>17}  {say('data', one.data_files):>16} {_size(one.data_bytes):>9}"
            f"  {say('index', one.index_files):>16} {_size(one.index_bytes):>9}  {say('one')} {one.row_groups_of_one} {of}"
        )
    total = sum(one.rows for one in held)
    files, size = (
        sum(one.data_files + one.index_files for one in held),
        sum(one.data_bytes + one.index_bytes for one in held),
    )
    typer.echo(f"{say('source', len(held))}, {say('rows', total)}, {say('files', files)}, {_size(size)}")
    typer.echo(f"{say('snapshots', len(sizes))}; {say('current')} {current}")
    _tell_unread(unread, days, say)


@store_words.command()
def compact(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source; empty: all.")] = "",
    as_json: Json = False,
    language: Language = "",
) -> None:
    """Make few data files of many, one commit a source; facts, index and snapshot stay as they are. 合并数据文件"""
    from riskengine.errors import Problem, UsageError, nearest
    from riskengine.intake.contract import read_contracts
    from riskengine.intake.load import open_desk
    from riskengine.store.compaction import compact as merge

    project = project_of(context)
    contracts = read_contracts(project)
    if source and source not in contracts:
        told = Problem("source", "a known source", repr(source), nearest(source, contracts))
        raise UsageError("No such source", [told])
    with telling("compacting 合并"), open_desk(project, contracts) as desk:
        named = [source] if source else sorted(contracts)
        done = [merge(desk.store, name, clock.now()) for name in named if desk.store.data_files(name)]
        desk.store.publish({})  # where facts live in a bucket, it is there that the merged files must be
    if as_json:
        _print([one.to_json() for one in done])
        return
    say = _speaker(project, language)
    for one in done:
        typer.echo(
            f"{one.source:<18} {one.files_before:>5} -> {say('files', one.files_after)}, {_size(one.bytes_before)} -> {_size(one.bytes_after)}"
        )


@store_words.command()
def vacuum(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; otherwise it is only shown.")] = False,
    as_json: Json = False,
    language: Language = "",
) -> None:
    """What was replaced, is named by no record and has been out of use for the declared days; why the rest stays. 清理仓库

    Anything a decision, publication, bundle, validation, plan, act or run names stays, however old.
    """
    from riskengine.monitor.publish import lock
    from riskengine.registry.actors import actor
    from riskengine.store import ledger
    from riskengine.store.facts import FactStore
    from riskengine.store.retention import remove, sort_out

    project = project_of(context)
    store, now = FactStore(project.store), clock.now()
    with telling("looking for names 查找引用"), lock(project.store), store.locked():
        found = sort_out(store, now, project.environment.store.days_kept(now.date()))
        if yes and found.gone:
            person = actor(project.environment.declared_actors)
            act = ledger.Act(now, person.name, "vacuum", str(len(found.gone)), _detail(found))
            ledger.record_act(ledger.open_ledger(project.store), act)  # before: what was begun is told
            remove(store.root, found)
    if as_json:
        _print({"removed": yes, "days": found.days, "bytes": found.size, "kept": [asdict(one) for one in found.kept],
                "gone": [asdict(one) for one in found.gone], "waiting": [asdict(one) for one in found.waiting]})  # fmt: skip
    else:
        _tell(found, yes, _speaker(project, language))


@store_words.command()
def verify(context: typer.Context, as_json: Json = False, language: Language = "") -> None:
    """Compare every byte with its recorded hash: data files, every snapshot's index, the nights. 逐字节校验"""
    from riskengine.errors import IntegrityError, Problem
    from riskengine.monitor import publish
    from riskengine.store.facts import FactStore
    from riskengine.store.holdings import every_index

    project = project_of(context)
    store = FactStore(project.store)
    problems: list[Problem] = []
    names = sorted(path.stem for path in (store.root / "snapshots").glob("*.json"))
    with telling("verifying 校验"):
        every = every_index(store.root)
        for check in (store.verify, lambda: every.verify(sorted(every.sources))):
            try:
                check()
            except IntegrityError as error:
                problems += error.problems
        nights = [night for day in publish.days(store.root) if (night := publish.find(store.root, day))]
        problems += [problem for night in nights for problem in publish.damage(night)]
    if problems:
        raise IntegrityError("The store is damaged", list(dict.fromkeys(problems)))
    if as_json:
        _print(
            {
                "sources": len(store.snapshot().sources),
                "snapshots": len(names),
                "nights": len(nights),
                "sound": True,
            }
        )
        return
    say = _speaker(project, language)
    typer.echo(f"{say('snapshots', len(names))}, {say('nights', len(nights))}: {say('sound')}")


@store_words.command()
def reindex(context: typer.Context, as_json: Json = False) -> None:
    """Build the index of every source anew from its data files; the same facts give the same snapshot. 重建索引"""
    from riskengine.intake.load import reindex as rebuild

    project = project_of(context)
    with telling("reindexing 重建索引"):
        made = rebuild(project)
    if as_json:
        _print({"snapshot": made.id, "sources": len(made.sources)})
    else:
        typer.echo(f"{len(made.sources)} sources, snapshot {made.id}")


def _detail(found: Sorting) -> dict[str, Any]:
    """What the audit keeps: names are cut to twelve digits, for a whole one would count as a record that names it."""
    files: Counter[str] = Counter(one.kind for one in found.gone)
    cut = [one.path.rpartition("/")[2][:12] for one in found.gone if one.kind == "snapshot"]
    return {"days": found.days, "bytes": found.size, "removed": dict(sorted(files.items())), "snapshots": cut,
            "kept": len(found.kept)}  # fmt: skip


def _tell(found: Sorting, removed: bool, say: Any) -> None:
    from riskengine.store.retention import CURRENT, YOUNG

    young = sum(one.reasons == (YOUNG,) for one in found.kept)
    for one in found.kept:
        if one.reasons == (YOUNG,):
            continue
        why = {CURRENT: say("current")}
        shown = ", ".join(why.get(reason, reason) for reason in one.reasons[:3])
        more = f" (+{len(one.reasons) - 3})" if len(one.reasons) > 3 else ""
        plain = one.reasons[0] in why
        typer.echo(f"{say(one.kind)} {one.name}: {'' if plain else say('replayable') + ' '}{shown}{more}")
    if young:
        typer.echo(f"{young}: {say('young')}")
    _tell_unread(found.waiting, found.days, say)
    if not found.gone:
        typer.echo(say("nothing"))
        return
    typer.echo(f"{say('went' if removed else 'goes').format(found.days)}:")
    kinds: dict[str, list[Gone]] = {}
    for item in found.gone:
        kinds.setdefault(item.kind, []).append(item)
    for kind, ones in sorted(kinds.items()):
        typer.echo(f"  {say(kind)}: {len(ones)}, {_size(sum(item.size for item in ones))}")
        for item in ones[:_SHOWN]:
            typer.echo(f"    {item.path} {_size(item.size)} {item.since:%Y-%m-%d}")
        if len(ones) > _SHOWN:
            typer.echo(f"    ... {len(ones) - _SHOWN} (--json)")
    typer.echo(f"  {_size(found.size)}")
    if not removed:
        typer.echo(say("yes"), err=True)


def _tell_unread(unread: Sequence[Gone], days: int, say: Any) -> None:
    if not unread:
        return
    first, last = (f"{pick(one.since for one in unread) + timedelta(days):%Y-%m-%d}" for pick in (min, max))
    size = _size(sum(one.size for one in unread))
    typer.echo(say("unread").format(files=say("data", len(unread)), size=size, first=first, last=last))


def _speaker(project: Project, language: str) -> Any:
    """Says a word, with a count before it where one is given."""
    chinese = (language or project.environment.language) == "zh"

    def say(word: str, count: int | None = None) -> str:
        text = _WORDS[word][chinese]
        if count is None:
            return text.removeprefix("个")
        return f"{count:,} {text.removesuffix('s') if count == 1 and not chinese else text}"

    return say


def _size(count: int) -> str:
    """Bytes for people.

    >>> _size(999), _size(1_500_000)
    ('999 B', '1.5 MB')
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def _print(content: Any) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1, default=str))
