"""The selectors of the studies in time mean the nets whose records their analyses look for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from archbench import Study
from archbench._plugins import load_plugins
from archbench._selection import select
from archbench_studies import auxiliary, efficiency, gates, lag, layer_drop
from archbench_studies._lags import Net
from archbench_studies._line_in_time import NETS as DIAL

STUDIES = [module.STUDY for module in (lag, gates, auxiliary, layer_drop, efficiency)]
NETS = {net.name: net for net in (*lag.NETS, *gates.FORMS, *DIAL)}


@pytest.fixture(scope="module")
def registered() -> Sequence[Any]:
    """Return the architectures as the suite registers them."""
    return load_plugins().architectures


@pytest.mark.parametrize("net", NETS.values(), ids=lambda net: net.name)
def test_selector_of_a_net_has_its_options(net: Net, registered: Sequence[Any]) -> None:
    """The selector of a net means one entrant, of its architecture and with its options, and no other net is found."""
    (entrant,) = select([net.selector], registered, "architecture")
    component = entrant.component
    found = [
        other.name
        for other in NETS.values()
        if component.name == other.architecture and other.options.items() <= component.options.items()
    ]

    assert [net.name] == found


@pytest.mark.parametrize(
    ("study", "size"), [(study, size) for study in STUDIES for size in study.sizes], ids=lambda value: str(value)[-30:]
)
def test_parts_select_entrants_and_tasks(study: Study, size: Any, registered: Sequence[Any]) -> None:
    """Every selector of a study means something, in every size, and no part names an entrant twice."""
    tasks = load_plugins().tasks
    for part in study.sizes[size]:
        entrants = select(part.architectures, registered, "architecture")

        assert len({entrant.component.key for entrant in entrants}) == len(entrants) >= len(part.architectures)
        assert len(select(part.tasks, tasks, "task")) >= len(part.tasks)
