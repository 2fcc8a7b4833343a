"""What does a desk answer that stays open? The same as a review in a process of its own, without waiting for the facts again.

What a decision rests on is looked at before every answer (`state_of_files`): a new snapshot, champion or definition opens
the desk anew, so no answer rests on yesterday's files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from riskengine.decision.applicants import Form, read_form
from riskengine.decision.desk import Desk, current_desk
from riskengine.errors import Problem, RiskEngineError, UsageError
from riskengine.profile.compute import Workbench
from riskengine.project import Project
from riskengine.store.snapshot import Snapshot

if TYPE_CHECKING:
    from riskengine.decision.review import ReviewRun

_DEFINITIONS = ("policy", "products", "sizes", "lookup", "subjects", "environment")
_ROOMS = (("configs/sources", ".toml"), ("features", ".py"))
State = tuple[tuple[str, int, int, int], ...]


def state_of_files(project: Project) -> State:
    """Which files stand for all that a decision rests on: name, inode, size and time of change of each."""
    store, files = project.store, [project.configs / f"{name}.toml" for name in _DEFINITIONS]
    found = [_told(os.fspath(path)) for path in (*files, store / "CURRENT", store / "champions.json")]
    for room, suffix in _ROOMS:
        folder = os.fspath(project.root / room)
        names = (
            sorted(name for name in os.listdir(folder) if name.endswith(suffix))
            if os.path.isdir(folder)
            else ()
        )
        found += [_told(f"{folder}/{name}") for name in names if not name.startswith("_")]
    return tuple(one for one in found if one)


def _told(path: str) -> tuple[str, int, int, int] | None:
    try:
        told = os.stat(path)
    except FileNotFoundError:
        return None
    return path, told.st_ino, told.st_size, told.st_mtime_ns


class OpenDesk:
    """A desk with its workbench, open until it is closed; `desk` and `bench` are of now at every question."""

    def __init__(self, project: Project) -> None:
        self.project = Project(project.root)
        self._state: State = ()
        self._desk: Desk | None = None
        self._form: Form | None = None
        self._bench: Workbench | None = None

    def __enter__(self) -> OpenDesk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the workbench; a question opens it again."""
        if self._bench is not None:
            self._bench.close()
        self._bench, self._desk, self._form, self._state = None, None, None, ()

    @property
    def desk(self) -> Desk:
        """The desk of now."""
        state = state_of_files(self.project)
        if self._desk is None or state != self._state:
            self.close()
            self.project = Project(self.project.root)
            _forget_features(self.project)
            self._desk, self._state = current_desk(self.project), state
        return self._desk

    def review(
        self, as_of: date | None, *, ids: Sequence[str] = (), rows: Sequence[Mapping[str, Any]] | None = None
    ) -> ReviewRun:
        """The review of applicants by `ids` as known on `as_of`, or of `rows` of raw cells, recorded as in a process of its own."""
        from riskengine.decision.review import reviewed

        if bool(ids) == (rows is not None) or (ids and as_of is None):
            raise UsageError(
                "Nothing to review", [Problem("review", "ids and a day, or rows", "neither or both")]
            )
        desk = self.desk
        return reviewed(desk, self.bench(desk.snapshot), (self.project, as_of), ids or rows, self.form)

    @property
    def form(self) -> Form:
        """What an application must look like, by the contracts of now."""
        if self._form is None:
            self._form = read_form(self.project)
        return self._form

    def bench(self, snapshot: Snapshot) -> Workbench:
        """The workbench over the desk's snapshot."""
        if self._bench is None or self._bench.snapshot.id != snapshot.id:
            self._bench = Workbench(snapshot, threads=1, stays=True)
        return self._bench


def _forget_features(project: Project) -> None:
    """Definitions are Python: what a file said when it was first read must not be compiled under its new content."""
    folder = str(project.root.resolve() / "features")
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "") or "").startswith(folder):
            del sys.modules[name]


def answers(desk: OpenDesk, lines: Iterable[str], as_of: date | None) -> Iterator[dict[str, Any]]:
    """One answer for each line of JSON: `{"records": [...]}`, or `{"error": ..., "problems": [...]}`; empty lines are passed over.

    A line is `{"id": NAME}` or `{"rows": [{column: cell}]}`; its own `"as_of"` goes before `as_of`.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            day, ids, rows = _asked(line, as_of)
            run = desk.review(day, ids=ids, rows=rows)
            yield {"run": run.run, "records": list(run.records)}
        except RiskEngineError as error:
            yield {"error": error.title, "problems": [str(problem) for problem in error.problems]}


def _asked(
    line: str, as_of: date | None
) -> tuple[date | None, list[str], Sequence[Mapping[str, Any]] | None]:
    import json

    from riskengine import clock

    form = '{"id": NAME} or {"rows": [{COLUMN: CELL}]}, with "as_of": "YYYY-MM-DD" where the command has none'
    try:
        said = json.loads(line)
    except ValueError as error:
        raise UsageError("Not a question", [Problem("line", f"JSON such as {form}", str(error))]) from None
    known = {"id", "rows", "as_of"}
    fits = isinstance(said, dict) and not said.keys() - known and ("id" in said) != ("rows" in said)
    if fits and "rows" in said:
        fits = (
            isinstance(said["rows"], list)
            and bool(said["rows"])
            and all(isinstance(one, dict) for one in said["rows"])
        )
    if not fits:
        raise UsageError("Not a question", [Problem("line", f"JSON such as {form}", line.strip()[:80])])
    day = clock.parse_past_day(str(said["as_of"]), "as_of") if said.get("as_of") else as_of
    return day, [str(said["id"])] if "id" in said else [], said.get("rows")
