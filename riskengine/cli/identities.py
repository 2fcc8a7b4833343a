"""Words about who is whom: `identity resolve`, `queue`, `accept`, `reject`, `show`, `merge`, `network`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskengine import clock
from riskengine.cli.here import project_of
from riskengine.cli.telling import telling

if TYPE_CHECKING:
    from riskengine.identity.desk import Answered

AsOf = Annotated[str, typer.Option(help="The day whose knowledge counts, YYYY-MM-DD.")]
Today = Annotated[
    str | None, typer.Option("--as-of", help="The day whose knowledge counts (default: today).")
]
By = Annotated[str, typer.Option(help="Who decides; written to the audit chain.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Language = Annotated[Literal["", "zh", "en"], typer.Option("--lang", help="zh or en; empty: the project's.")]
Seq = Annotated[int, typer.Argument(metavar="ID", help="Number of the judgement, from identity queue.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Who is whom: codes, names, merges, owners. 身份识别", no_args_is_help=True)
    for command in (resolve, queue, accept, reject, show, merge, network):
        room.command()(command)
    app.add_typer(room, name="identity")


def resolve(context: typer.Context, as_of: AsOf, as_json: AsJson = False) -> None:
    """Find the enterprise of every row that came without a credit code; a second time changes nothing. 识别主体"""
    from riskengine.identity.resolve import resolve as work

    project = project_of(context)
    day = clock.parse_past_day(as_of, "--as-of")
    with telling("resolving identities"):
        done = work(project, day)
    if as_json:
        _print(done.to_json())
        return
    methods = ", ".join(f"{count} by {name}" for name, count in done.methods.items()) or "none"
    typer.echo(
        f"{done.rows_filled} of {done.rows_open} rows got a code ({done.rows_carried} from the row before)"
    )
    typer.echo(f"mentions accepted: {methods}")
    typer.echo(
        f"wait for a person: {done.queued}; nobody found: {done.unresolved}; natural persons: {done.persons}"
    )
    if done.rows_merged:
        typer.echo(f"{done.rows_merged} rows under the codes of merged enterprises")


def queue(context: typer.Context, as_of: Today = None, nobody: Annotated[bool, typer.Option(help="Also names nobody was found for.")] = False, as_json: AsJson = False, language: Language = "") -> None:  # fmt: skip
    """List what waits for a person, with the candidates and their evidence. 人工复核队列"""
    from riskengine.cli.texts import NOBODY, WAIT
    from riskengine.identity.desk import told, waiting
    from riskengine.intake.personal import shown

    project = project_of(context)
    tongue = language or project.environment.language
    found = waiting(project, clock.parse_past_day(as_of, "--as-of") if as_of else clock.today())
    if as_json:
        rows = [
            {"name": name, "number": mention.number, "rows": count}
            for mention, name, count in found.unresolved
        ]
        _print({"queued": [told(each) for each in found.queued], "unresolved": rows})
        return
    for each in found.queued:
        mention = each.mention
        more = [text for text in (mention.number, mention.region, str(shown(mention.person))) if text]
        _say(
            f"{each.seq}: {each.name or mention.number} ({', '.join([*more, *each.sources])}): {each.evidence}, {each.confidence:.0%}"
        )
        for candidate in each.candidates:
            rest = ", ".join(
                str(value) for name, value in candidate.items() if name not in ("code", "name") and value
            )
            _say(f"    {candidate['code']} {candidate['name']} {rest}")
    if nobody:
        for mention, name, count in found.unresolved:
            _say(NOBODY.say(tongue).format(who=name or mention.number, rows=count))
    typer.echo(WAIT.say(tongue).format(queued=len(found.queued), nobody=len(found.unresolved)), err=True)


def accept(context: typer.Context, seq: Seq, code: Annotated[str, typer.Option(help="Unified social credit code.")], as_of: AsOf, by: By) -> None:  # fmt: skip
    """Say which enterprise is meant; its rows carry the code as known from that day. 确认"""
    from riskengine.identity.desk import accept as work

    _tell(work(project_of(context), seq, code, clock.parse_past_day(as_of, "--as-of"), by))


def reject(context: typer.Context, seq: Seq, as_of: AsOf, by: By) -> None:
    """Say that none of the candidates is meant, or take an accepted judgement back. 否决"""
    from riskengine.identity.desk import reject as work

    _tell(work(project_of(context), seq, clock.parse_past_day(as_of, "--as-of"), by))


def merge(context: typer.Context, code: Annotated[str, typer.Argument(help="The code given up.")], into: Annotated[str, typer.Option(help="The code it is from now on.")], as_of: AsOf, by: By) -> None:  # fmt: skip
    """Say that two codes are one enterprise, as learnt on that day. 主体合并"""
    from riskengine.identity.desk import merge as work

    done = work(project_of(context), code, into, clock.parse_past_day(as_of, "--as-of"), by)
    _tell(done)
    for source, count in done.apart.items():
        typer.echo(f"{source}: {count} rows stay apart, {into} has its own")


def show(context: typer.Context, asked: Annotated[str, typer.Argument(metavar="CODE|NAME")], as_of: AsOf, as_json: AsJson = False) -> None:  # fmt: skip
    """Show names, former names, older numbers and judgements as known on a day. 名称与判定"""
    from riskengine.identity.desk import known_as

    found = known_as(project_of(context), asked, clock.parse_past_day(as_of, "--as-of"))
    if as_json:
        _print(found)
        return
    for each in found["enterprises"]:
        _say(f"{each['code']} {each['name'] or '(not in the register)'}")
        for title, values in (("former names", each["former_names"]), ("older numbers", each["numbers"])):
            if values:
                _say(f"    {title}: {', '.join(values)}")
        for judged in each["judgements"]:
            _say(f"    {_line(judged)}")
    for judged in found["questions"]:
        _say(_line(judged))
    if not found["enterprises"] and not found["questions"]:
        typer.echo(f"Nothing is known of {asked} on {as_of}", err=True)


def network(context: typer.Context, code: Annotated[str, typer.Argument(help="Unified social credit code.")], as_of: AsOf, as_json: AsJson = False, language: Language = "") -> None:  # fmt: skip
    """Look through to owners, controller, group and guarantee circles, each with its edges. 股权与担保网络"""
    from riskengine.identity.network import around

    project = project_of(context)
    found = around(project, code, clock.parse_past_day(as_of, "--as-of"))
    if as_json:
        _print(found.to_json())
    else:
        typer.echo("\n".join(found.lines(language or project.environment.language)))


def _tell(done: Answered) -> None:
    made = done.judgement
    _say(
        f"{made.seq}: {made.name or made.mention.number} {made.state} {made.code}, {done.rows} rows as known from {made.judged}"
    )


def _line(judged: dict[str, Any]) -> str:
    code = judged["code"] or "nobody yet"
    return f"{judged['seq']}: {judged['judged']} {judged['name']} {judged['state']} {code} ({judged['method']}, {judged['confidence']:.0%}, {judged['by']})"


def _print(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _say(text: str) -> None:
    """To the terminal, without the resident numbers that publishers write behind a name."""
    from riskengine.intake.personal import redacted

    typer.echo(redacted(text))
