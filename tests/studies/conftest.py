"""Hand-made records of the nets of depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from archbench import Claim, Reading, Record, StudyData
from archbench._records import TaskFacts
from archbench_studies._nets import Family
from archbench_studies._rules import DEPTH
from support import MakeRecord
from support.study_records import study_record

ACCURACY = TaskFacts(kind="image", metric="accuracy", higher_is_better=True, chance=0.1, oracle=1.0, summary="")


@pytest.fixture
def net(make_record: MakeRecord) -> Callable[..., Record]:
    """`net(family, depth, seed, loss=..., readings=..., ...)` is the record of a net on digits; options may follow."""

    def make(
        family: Family,
        depth: int,
        seed: int = 0,
        *,
        loss: float = 0.1,
        score: float = 0.9,
        status: str = "ok",
        readings: Sequence[Reading] = (),
        **options: Any,
    ) -> Record:
        record = study_record(
            make_record,
            family.architecture,
            {**family.options, "depth": depth, **options},
            task="digits",
            task_options={},
            protocol=DEPTH,
            seed=seed,
            score=score,
            train_loss=loss,
            status=status,
            readings=readings,
        )
        return msgspec.structs.replace(record, task_facts=ACCURACY)

    return make


@pytest.fixture
def effects() -> Callable[..., Mapping[int, float]]:
    """`effects(study, claim, records)` are the effects of a claim by seed."""

    def find(study: Any, name: str, records: Sequence[Record]) -> Mapping[int, float]:
        claims: tuple[Claim, ...] = study.CLAIMS
        (claim,) = [claim for claim in claims if claim.name == name]
        assert callable(claim.statistic)
        return claim.statistic(StudyData(records))

    return find


@pytest.fixture
def reading() -> Callable[..., Reading]:
    """`reading(probe, {name: value}, step)` is one measurement."""

    def make(probe: Any, values: Mapping[str, float | None], step: int = 200) -> Reading:
        return Reading(probe=probe, step=step, names=list(values), values=list(values.values()))

    return make
