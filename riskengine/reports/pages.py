"""How does a page of the engine become HTML? One environment of templates, strict and escaped, without remote parts."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from riskengine.reports.wording import FILTERS


@cache
def environment() -> jinja2.Environment:
    """The templates of `riskengine/reports/templates`: what is unknown is an error, what is text is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("riskengine.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= FILTERS
    return made


def rendered(template: str, **values: Any) -> bytes:
    """A template with its values as UTF-8."""
    return environment().get_template(template).render(**values).encode()
