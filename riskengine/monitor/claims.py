"""What does the night know of those that reminders speak of besides the guarantees in force: claims paid, institutions?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

from riskengine.monitor.night import profiled, subject_rows
from riskengine.monitor.reminders import Reminder, inputs
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.compute import Workbench
from riskengine.profile.kept import night_recipe
from riskengine.profile.keys import Subjects
from riskengine.profile.populations import load_population
from riskengine.profile.recipe import Recipe


def population_recipes(catalogue: Catalogue, reminders: Iterable[Reminder], name: str) -> dict[str, Recipe]:
    """For each population that a reminder is about, what has to be known of it, and the feature `name` that it is called by."""
    made = {}
    called = [name] if name in catalogue.features else []
    chosen = tuple(reminders)
    for population in catalogue.subjects.populations:
        about = [one for one in chosen if one.about == population]
        if about:
            made[population] = night_recipe(catalogue, list(dict.fromkeys([*inputs(about), *called])))
    return made


def populated(
    bench: Workbench, subjects: Subjects, recipes: Mapping[str, Recipe], as_of: date
) -> dict[str, pd.DataFrame]:
    """Each population's frame on a day: `id`, `enterprise_id`, the key columns and the features of its recipe.

    It replaces the workbench's `subjects`: load the guarantees in force first and take their frame.
    """
    found = {}
    for name, recipe in recipes.items():
        load_population(bench, subjects.populations[name], recipe, [as_of])
        found[name] = profiled(bench, subject_rows(bench), recipe)
    return found
