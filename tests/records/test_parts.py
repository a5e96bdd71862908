"""Records that are decoded together: as each by itself, with equal parts as one object."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._records import Record, Store
from archbench._records._files import decode_record, encode_record
from archbench._records._parts import Parts
from support import MakeRecord

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference" / "records"
Edit = Callable[[dict[str, Any]], object]


def enveloped(record: Record, edit: Edit) -> bytes:
    """Return the bytes of a file with an edited record, whose checksum fits."""
    fields = msgspec.to_builtins(record)
    edit(fields)
    body = msgspec.json.encode(fields)
    envelope = {"schema": record.schema, "sha256": hashlib.sha256(body).hexdigest(), "record": msgspec.Raw(body)}
    return msgspec.json.encode(envelope)


def test_records_are_what_each_is_by_itself() -> None:
    """Every seventh record of the reference, some of them without fields that are newer, is decoded to the same."""
    files = [path.read_bytes() for path in sorted(REFERENCE.glob("*/*.json"))[::7]]
    parts = Parts()

    assert len(files) > 50
    for data in files:
        together, alone = decode_record(data, parts), decode_record(data)
        assert together == alone
        assert encode_record(together) == encode_record(alone)
        assert type(together) is Record


def test_equal_parts_are_one_object(make_record: MakeRecord) -> None:
    """Records of two seeds share what does not depend on the seed, and hold their own scores."""
    parts = Parts()
    first, second = (decode_record(encode_record(make_record(seed=seed)), parts) for seed in (0, 1))

    assert first.trial.seed != second.trial.seed
    for name in ("architecture", "task", "protocol"):
        assert getattr(first.trial, name) is getattr(second.trial, name)
    for name in ("architecture_origin", "task_origin", "task_facts", "architecture_facts", "environment", "manifests"):
        assert getattr(first, name) is getattr(second, name)
    assert first.training is not None
    assert second.training is not None
    assert first.training.recipe is second.training.recipe
    assert first.curves is not None
    assert second.curves is not None
    assert first.curves.step is second.curves.step
    assert first.curves.validation is not second.curves.validation


def test_different_parts_stay_apart(make_record: MakeRecord) -> None:
    """Records whose environments differ by one number have two of them."""
    record, parts = make_record(), Parts()
    assert record.environment is not None
    other = msgspec.structs.replace(record, environment=msgspec.structs.replace(record.environment, threads=2))
    found = [decode_record(encode_record(each), parts) for each in (record, other, record)]

    assert [each.environment.threads for each in found if each.environment] == [1, 2, 1]
    assert found[0] == found[2] != found[1]


def test_what_a_file_lacks_has_its_default(make_record: MakeRecord) -> None:
    """A record that is older than some fields has their defaults, whether or not they are shared."""
    record = make_record()
    fields = msgspec.to_builtins(record)
    for name in ("manifests", "architecture_facts", "wrong", "readings"):
        del fields[name]
    found = Parts().decode(msgspec.json.encode(fields))

    empty = {"manifests": {}, "architecture_facts": type(record.architecture_facts)(), "wrong": [], "readings": []}
    assert found == msgspec.structs.replace(record, **empty)


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        (lambda fields: fields["task_facts"].update(kind=5), r"\$\.task_facts\.kind"),
        (lambda fields: fields["trial"].update(seed="0"), r"\$\.trial\.seed"),
        (lambda fields: fields["trial"]["protocol"].update(validations=0), r"\$\.trial\.protocol\.validations"),
        (lambda fields: fields["curves"].update(step=["1"]), r"\$\.curves\.step\[0\]"),
        (lambda fields: fields.update(trial=None), r"\$\.trial"),
    ],
)
def test_a_mistake_is_named_with_its_field(make_record: MakeRecord, edit: Edit, where: str) -> None:
    """The reason why a file is no record names the field, though parts are decoded apart from it."""
    with pytest.raises(ValueError, match=where):
        decode_record(enveloped(make_record(), edit), Parts())


def test_a_part_with_a_mistake_is_not_kept(make_record: MakeRecord) -> None:
    """A record that is wrong does not spoil those that are read after it."""
    parts, record = Parts(), make_record()
    with pytest.raises(ValueError, match="kind"):
        decode_record(enveloped(record, lambda fields: fields["task_facts"].update(kind=5)), parts)

    assert decode_record(encode_record(record), parts) == decode_record(encode_record(record))


def test_what_is_read_is_looked_through_last(make_record: MakeRecord, tmp_path: Path) -> None:
    """Records that were read lie with the oldest objects, and the collection of garbage goes on."""
    Store(tmp_path).write(make_record())
    (found,) = Store(tmp_path).scan()[0].values()

    assert gc.isenabled()
    assert any(item is found for item in gc.get_objects(generation=2))
