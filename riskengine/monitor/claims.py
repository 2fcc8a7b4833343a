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


def population_recipes(catalogue: Catalogue, reminders: Iterable[Reminder]) -> dict[str, Recipe]:
    """For each population that a reminder is about, what has to be known of it."""
    made = {}
    chosen = tuple(reminders)
    for name in catalogue.subjects.populations:
        about = [one for one in chosen if one.about == name]
        if about:
            made[name] = night_recipe(catalogue, inputs(about))
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
