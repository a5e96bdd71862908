"""The selectors of the studies of depth mean the nets whose records their analyses look for."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from archbench import Study, StudyData
from archbench._plugins import Plugins, load_plugins
from archbench._selection import select
from archbench_studies import depth, gradient, lesion, line
from archbench_studies._nets import CONVOLUTIONAL, FULLY_CONNECTED, Family
from support import MakeRecord
from support.study_records import study_record

STUDIES = {module.STUDY.name: module.STUDY for module in (depth, gradient, lesion, line)}


@functools.cache
def registered() -> Plugins:
    """Return the plugins as the suite loads them."""
    return load_plugins()


def entrants(study: Study, size: Any) -> Iterator[tuple[str, Any]]:
    """Yield the key of the protocol and the component of every entrant of a study on images."""
    for part in study.sizes[size]:
        if "digits" in part.tasks:
            for entrant in select(part.architectures, registered().architectures, "architecture"):
                yield part.protocol.key, entrant.component


@pytest.mark.parametrize("family", [*FULLY_CONNECTED, *CONVOLUTIONAL], ids=lambda family: family.name)
def test_selector_of_a_family_has_its_options(family: Family) -> None:
    """The selector of a family means one entrant for each depth, with the options by which its records are found."""
    found = select([family.selector()], registered().architectures, "architecture")

    assert [entrant.component.options["depth"] for entrant in found] == list(family.depths)
    assert all(family.options.items() <= entrant.component.options.items() for entrant in found)


@pytest.mark.parametrize("size", ["quick", "full"])
def test_a_net_is_trained_under_one_protocol_by_all_studies(size: Any) -> None:
    """No net is trained twice because two studies, or two parts of one, ask for it under different protocols."""
    protocols: dict[str, set[str]] = {}
    for study in STUDIES.values():
        for key, component in entrants(study, size):
            protocols.setdefault(component.key, set()).add(key)

    assert len(protocols) > 40
    assert [net for net, keys in protocols.items() if len(keys) > 1] == []


@pytest.mark.parametrize("module", [depth, line], ids=lambda module: module.STUDY.name)
def test_both_sides_of_a_claim_have_equal_seeds(module: Any, make_record: MakeRecord) -> None:
    """With one record for every trial of the quick size, a claim has five effects and no seed that one side lacks."""
    data = StudyData(
        study_record(
            make_record,
            entrant.component.name,
            entrant.component.options,
            task="digits",
            task_options={},
            protocol=part.protocol,
            seed=seed,
            train_loss=0.1,
        )
        for part in module.STUDY.sizes["quick"]
        for entrant in select(part.architectures, registered().architectures, "architecture")
        for seed in range(part.protocol.seeds)
    )
    for claim in module.CLAIMS:
        looked_at = StudyData(data.records)
        effects = claim.statistic(looked_at)

        assert list(effects) == [0, 1, 2, 3, 4]
        assert {record.trial.seed for record in looked_at.used} == set(effects)
