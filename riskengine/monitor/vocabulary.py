"""Which names may signals and reminders compare, and of what are they said?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from riskengine.errors import Problem, nearest
from riskengine.monitor.peers import Peer, read_peers
from riskengine.monitor.product_terms import OfProduct, read_of_product
from riskengine.profile.catalogue import Catalogue
from riskengine.profile.expressions import aggregates
from riskengine.profile.kinds import value_kind

GUARANTEE = "guarantee"
SOURCE = "source"
NIGHT = {
    "pd": "number",  # probability of default over the model's horizon
    "pd_before": "number",  # the same in the publication before
    "pd_jump": "number",  # pd / pd_before
    "pd_trigger": "number",  # pd over the trigger level of its product or of the house (`dynamics`)
    "pd_to_peers": "number",  # odds of the pd over those of its peers, shrunk to the book (`dynamics`)
    "pd_inversion": "number",  # yearly pd of the near months over that of the later ones (`dynamics`)
    "score": "number",
    "grade": "text",
    "grade_before": "text",
    "grade_no": "number",  # 1 is the best grade
    "grade_notches": "number",  # grades lost since the publication before
    "expected_loss": "number",  # currency, at the guarantor's share
    "exposure": "number",  # currency, at the guarantor's share
    "contagion": "number",  # 0..1: what troubled neighbours pass on to the enterprise (`neighbours`)
    "contagion_loss": "number",  # currency: expected flow of loss along guarantees
}
ALERTED = {
    "alerted_on": "date",
    "alerted_again_on": "date",
}  # of a guarantee, for reminders only (`plan.alerted`)
GROUP = {"expected_loss": "number", "exposure": "number", "guarantees": "number"}
FEED = {
    "last_event": "date",
    "last_known": "date",
    "stale_on": "date",
    "rows": "number",
    "days_silent": "number",
    "silent_ratio": "number",  # days silent over the usual interval of the feed (`health.usual_interval`)
    "stale": "number",  # 1: silent too long, never heard of though expected, or a file is held
    "held": "number",  # files held
}
CONTAGION = ("contagion", "contagion_loss")


@dataclass(frozen=True)
class Vocabulary:
    """The columns of the night's frame by kind, the keys through which guarantees form groups, what features rest on.

    `keys` maps a key to its columns; `features` maps a feature to its kind; `depends` maps a feature to the columns its
    value depends on (so that it can be said of a group); `sources` maps a feature to the sources it rests on.
    `populations` are further kinds of subject that reminders, and only they, may be about. `peers` maps a name that the
    night makes of a feature and its median in a group (`peers.Peer`), or of one and its product's limit
    (`product_terms.OfProduct`; "" where it is the product's number alone), to that feature; such a name is among `features`.
    """

    keys: Mapping[str, tuple[str, ...]]
    features: Mapping[str, str]
    depends: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    populations: tuple[str, ...] = ()
    peers: Mapping[str, str] = field(default_factory=dict)

    def shares(self) -> list[str]:
        """The night's concentration columns: `<key>_share`, a group's part of the whole expected loss."""
        return [f"{key}_share" for key, columns in self.keys.items() if columns]

    def kinds(self, about: str) -> dict[str, str]:
        """Every name that can be compared of a guarantee, of a feed, or of a key's groups, with its kind."""
        if about == SOURCE:
            return dict(FEED)
        if about == GUARANTEE:
            return {**self.features, **NIGHT, **dict.fromkeys(self.shares(), "number")}
        if about in self.populations:
            return {name: kind for name, kind in self.features.items() if name not in self.peers}
        columns = set(self.keys[about])
        fitting = {name: kind for name, kind in self.features.items() if self._of(name) <= columns}
        shares = [f"{key}_share" for key, part in self.keys.items() if part and set(part) <= columns]
        return {**fitting, **GROUP, **dict.fromkeys(shares, "number")}

    def problems(self, where: str, about: str, names: Iterable[str]) -> list[Problem]:
        """A problem for each name that cannot be compared, with the nearest spelling or what it is about."""
        abouts = [GUARANTEE, SOURCE, *self.keys, *self.populations]
        if about not in abouts:
            return [
                Problem(
                    f"{where}: about", f"{GUARANTEE}, {SOURCE} or a key", repr(about), nearest(about, abouts)
                )
            ]
        known = self.kinds(about)
        everywhere = self.kinds(GUARANTEE)
        return [
            Problem(
                where,
                f"a value of one {about}",
                repr(name),
                f"It differs within one {about}" if name in everywhere else nearest(name, known),
            )
            for name in dict.fromkeys(names)
            if name not in known
        ]

    def resting_on(self, sources: Iterable[str]) -> frozenset[str]:
        """The features that rest on any of these sources."""
        down = set(sources)
        return frozenset(name for name, used in self.sources.items() if down & set(used))

    def with_peers(self, peers: Iterable[Peer]) -> Vocabulary:
        """The same with each value against its peers: it rests on what its feature rests on. One unsound is left out."""
        taken = {*self.features, *self.shares(), *NIGHT}
        sound = [one for one in peers if one.feature in self.features and self.keys.get(one.by)]
        told = {one.name: one for one in sound if one.name not in taken}
        depends = {name: self._of(one.feature) | {*self.keys[one.by]} for name, one in told.items()}
        sources = {name: self.sources.get(one.feature, ()) for name, one in told.items()}
        return replace(
            self,
            features={**self.features, **dict.fromkeys(told, "number")},
            depends={**self.depends, **depends},
            sources={**self.sources, **sources},
            peers={name: one.feature for name, one in told.items()},
        )

    def with_products(self, wanted: Iterable[OfProduct]) -> Vocabulary:
        """The same with what products allow: it rests on what its features rest on. One unsound is left out."""
        taken = {*self.features, *self.shares(), *NIGHT}
        sound = [one for one in wanted if set(one.inputs) <= self.features.keys() and self.keys.get(one.by)]
        told = {one.name: one for one in sound if one.name not in taken}
        rest = {name: [s for f in one.inputs for s in self.sources.get(f, ())] for name, one in told.items()}
        return replace(
            self,
            features={**self.features, **dict.fromkeys(told, "number")},
            depends={**self.depends, **{name: frozenset(self.keys[one.by]) for name, one in told.items()}},
            sources={**self.sources, **{name: tuple(dict.fromkeys(found)) for name, found in rest.items()}},
            peers={**self.peers, **{name: one.feature for name, one in told.items()}},
        )

    def _of(self, name: str) -> frozenset[str]:
        return self.depends.get(name, frozenset({""}))


def vocabulary(catalogue: Catalogue) -> Vocabulary:
    """What a project's signals and reminders may compare."""
    keys = catalogue.subjects.keys
    features = {name: feature for name, (_, feature) in catalogue.features.items()}
    known = Vocabulary(
        keys,
        {name: value_kind(feature, catalogue.sources) for name, feature in features.items()},
        {
            name: frozenset(column for part in aggregates(feature) for column in keys.get(part.by, ()))
            for name, feature in features.items()
        },
        {name: catalogue.rests_on(feature) for name, feature in features.items()},
        tuple(catalogue.subjects.populations),
    )
    path = catalogue.project.configs / "nightly.toml"
    return known.with_peers(read_peers(path)).with_products(read_of_product(path))
