"""Which project is a command for? Definitions are read by pydantic, which takes longer to import than `--help` may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from riskengine.project import Project


def project_of(context: typer.Context) -> Project:
    """The project that `--project` names, or the one here."""
    from riskengine.project import find

    return find(context.obj)
