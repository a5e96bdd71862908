"""`images:PATH`: how images are decoded and split, and the messages about folders that cannot be used."""

from __future__ import annotations

import os
import shutil
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from archbench import ArrayLike, DataError, Splits
from archbench.testing import check_task
from archbench_tasks import own_images
from archbench_tasks._decoded_images import decode_new
from archbench_tasks.own_images import ImageOptions, inspect, load

SMALL = ImageOptions(size=8)
SKIPS = ImageOptions(size=8, skip_bad=True)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded images in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


def paint(path: Path, number: int, *, mode: str = "RGB", size: tuple[int, int] = (10, 8)) -> Path:
    """Write an image of noise that depends on the number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def make(root: Path, counts: dict[str, int], start: int = 0) -> Path:
    """Write a folder of images: `{"cat": 10}` puts ten into `cat/`."""
    number = start
    for name, count in counts.items():
        for _ in range(count):
            paint(root / name / f"{number}.png", number)
            number += 1
    return root


def loaded(root: Path, options: ImageOptions = SMALL, seed: int = 0) -> Splits:
    """Return the splits as a trial gets them."""
    return load(root, options, inspect(root, options).content, seed)


def rows(splits: Splits) -> dict[str, set[bytes]]:
    """Return the images of each split."""
    return {name: {row.tobytes() for row in getattr(splits, name).inputs} for name in ("train", "validation", "test")}


def test_folder_per_class(tmp_path: Path) -> None:
    """Folders are classes in order; 20 % of each are test, 10 % validation; pixels are scaled by all but the test."""
    root = make(tmp_path / "pets", {"dog": 30, "cat": 20})
    found = inspect(root, SMALL)
    splits = loaded(root)

    assert found.info.input_shape == (3, 8, 8)
    assert found.facts["classes"] == {"cat": 20, "dog": 30}
    assert found.facts["splits"] == {"train": 36, "validation": 4, "test": 10} | {
        name: len(getattr(splits, name).targets) for name in ("train", "validation", "test")
    }
    assert np.bincount(splits.test.targets).tolist() == [4, 6]
    assert found.chance == 0.6
    known = np.concatenate([splits.train.inputs, splits.validation.inputs])
    np.testing.assert_allclose(known.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(known.std(axis=(0, 2, 3)), 1, atol=1e-4)


def test_published_splits(tmp_path: Path) -> None:
    """Folders of splits are kept; validation is drawn from training unless it has a folder."""
    root = tmp_path / "pets"
    make(root / "train", {"cat": 10, "dog": 10})
    make(root / "test", {"cat": 4, "dog": 5}, start=100)
    drawn = inspect(root, SMALL)
    make(root / "val", {"cat": 3, "dog": 3}, start=200)
    given = inspect(root, SMALL)

    assert drawn.facts["splits"] == {"train": 18, "validation": 2, "test": 9}
    assert not drawn.fixed_splits
    assert given.facts["splits"] == {"train": 20, "validation": 6, "test": 9}
    assert given.fixed_splits


def test_other_names_of_splits(tmp_path: Path) -> None:
    """Folders called Training and Testing are splits; beside `car` and `ship`, `train` is a class."""
    root = tmp_path / "pets"
    make(root / "Training", {"cat": 10, "dog": 10})
    make(root / "Testing", {"cat": 4, "dog": 5}, start=100)
    assert inspect(root, SMALL).facts["splits"] == {"train": 18, "validation": 2, "test": 9}
    make(root / "more", {"cat": 3}, start=200)
    with pytest.raises(DataError, match="has Testing/, Training/ and beside them more/; is that a class"):
        inspect(root, SMALL)

    vehicles = make(tmp_path / "vehicles", {"car": 5, "ship": 5, "train": 5})
    assert list(inspect(vehicles, SMALL).facts["classes"]) == ["car", "ship", "train"]


def test_seed_draws_validation_and_never_test(tmp_path: Path) -> None:
    """The seed changes validation but not the test split."""
    root = make(tmp_path / "pets", {"cat": 30, "dog": 30})
    first, second = rows(loaded(root, seed=1)), rows(loaded(root, seed=2))

    assert first["test"] == second["test"]
    assert first["validation"] != second["validation"]


def test_identity_is_content(tmp_path: Path) -> None:
    """A copy with other file names is the same task; another pixel or another name of a class makes another task."""
    root = make(tmp_path / "pets", {"cat": 5, "dog": 5})
    copy = tmp_path / "elsewhere"
    shutil.copytree(root, copy)
    for image in list(copy.glob("*/*.png")):
        image.rename(image.with_name(f"renamed-{99 - int(image.stem)}.png"))
    content = inspect(root, SMALL).content

    assert inspect(copy, SMALL).content == content
    assert rows(loaded(copy)) == rows(loaded(root))
    (copy / "cat").rename(copy / "kitten")
    assert inspect(copy, SMALL).content != content
    paint(root / "cat" / "0.png", 77)
    assert inspect(root, SMALL).content != content


def test_equal_images_lie_on_one_side(tmp_path: Path) -> None:
    """Equal images are in one split; a copy of a given test image is left out of training, and counted."""
    root = make(tmp_path / "pets", {"cat": 12, "dog": 12})
    for image in list(root.glob("*/*.png")):
        shutil.copy(image, image.with_stem(image.stem + "-copy"))
    splits = rows(loaded(root))
    assert sum(len(images) for images in splits.values()) == 24
    assert len(set.union(*splits.values())) == 24

    published = tmp_path / "published"
    make(published / "train", {"cat": 6, "dog": 6})
    make(published / "test", {"cat": 2, "dog": 2}, start=50)
    shutil.copy(published / "test" / "cat" / "50.png", published / "train" / "cat")
    found = inspect(published, SMALL)
    assert found.facts["equal images left out of training"] == 1
    assert found.facts["splits"]["test"] == 4


def test_every_image_becomes_a_square_of_the_asked_kind(tmp_path: Path) -> None:
    """Grey, palette, transparent, 16-bit and rotated images all decode; grey means one channel."""
    root = make(tmp_path / "pets", {"cat": 4, "dog": 4})
    paint(root / "cat" / "p.png", 90, mode="P")
    paint(root / "cat" / "a.png", 91, mode="RGBA")
    paint(root / "cat" / "l.jpg", 92, mode="L")
    deep = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(deep).save(root / "dog" / "deep.png")
    grey = ImageOptions(size=8, channels="grey")
    splits = loaded(root, grey)

    assert splits.train.inputs.shape[1:] == (1, 8, 8)
    everything = np.concatenate([splits.train.inputs, splits.validation.inputs, splits.test.inputs])
    rising = [row for row in everything if (np.diff(row.ravel()) > 0).all()]
    assert len(rising) == 1  # the 16-bit ramp, not clipped to white


@pytest.mark.parametrize(("dtype", "says"), [(np.float32, "floats"), (np.int32, "numbers of 32 bits")])
def test_pixels_without_a_known_white_are_refused(dtype: type, says: str, tmp_path: Path) -> None:
    """Floats and 32-bit numbers, which would become black squares or noise, are refused by name."""
    root = make(tmp_path / "pets", {"cat": 4, "dog": 4})
    Image.fromarray(np.linspace(0, 1, 64).reshape(8, 8).astype(dtype)).save(root / "dog" / "deep.tif")

    with pytest.raises(DataError, match=rf"dog/deep.tif in .* cannot be read \(its pixels are {says}, .* 8 or 16 bits"):
        inspect(root, SMALL)


def test_palette_with_transparency_is_read_in_silence(tmp_path: Path) -> None:
    """Pillow's advice to programmers does not reach the user's terminal."""
    root = make(tmp_path / "pets", {"cat": 4, "dog": 4})
    paint(root / "dog" / "p.png", 90, mode="P")
    with Image.open(root / "dog" / "p.png") as image:
        image.save(root / "dog" / "t.png", transparency=bytes(range(256)))

    assert inspect(root, SMALL).facts["classes"] == {"cat": 4, "dog": 6}  # a warning would be an error


def test_orientation_is_obeyed(tmp_path: Path) -> None:
    """An image whose EXIF data say that it lies on its side is turned upright."""
    root = make(tmp_path / "pets", {"cat": 4, "dog": 4})
    upright = np.zeros((8, 8), np.uint8)
    upright[0] = 255  # a bright first row
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(upright).rotate(90).save(root / "dog" / "turned.png", exif=exif)
    splits = loaded(root, ImageOptions(size=8, channels="grey"))
    everything = np.concatenate([splits.train.inputs, splits.validation.inputs, splits.test.inputs])[:, 0]

    assert sum(row[0].min() > row[1:].max() for row in everything) == 1


def test_unreadable_image(tmp_path: Path) -> None:
    """An unreadable image is an error that names it; with skip_bad it is left out with a warning."""
    root = make(tmp_path / "pets", {"cat": 6, "dog": 6})
    (root / "dog" / "torn.png").write_bytes((root / "dog" / "6.png").read_bytes()[:60])
    (root / "dog" / "notes.txt").write_text("no image by its ending")
    with pytest.raises(DataError, match=r"the image dog/torn.png in .*pets cannot be read .*skip_bad=true"):
        inspect(root, SMALL)
    found = inspect(root, SKIPS)

    assert found.warnings == ("1 unreadable images are left out: dog/torn.png",)
    assert found.facts["unreadable images left out"] == 1
    assert found.facts["other files left alone"] == 1
    assert found.facts["classes"] == {"cat": 6, "dog": 6}


@pytest.mark.parametrize("sides", [(9_000, 9_000), (12_000, 10_000), (60_000, 60_000)])
def test_an_image_that_unpacks_to_gigabytes(sides: tuple[int, int], tmp_path: Path) -> None:
    """An image is refused by the size in its header, in threads as well, before any pixel is unpacked."""
    root = make(tmp_path / "pets", {"cat": 6, "dog": 6})
    header = struct.pack(">IIBBBBB", *sides, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    packed = [struct.pack(">I", len(data)) + name + data for name, data in chunks]
    sums = [struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks]
    text = b"".join(chunk + crc for chunk, crc in zip(packed, sums, strict=True))
    (root / "dog" / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + text)

    with pytest.raises(DataError, match=r"dog/large.png in .* cannot be read \(.*pixels"):
        inspect(root, SMALL)
    with pytest.raises(DataError, match=r"large.png cannot be read \(.*pixels"):
        decode_new(root / "dog" / "large.png", size=8, channels="grey")


def test_large_images_are_decoded_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one large image is decoded, no other thread decodes one."""
    root, at_once, most = make(tmp_path / "pets", {"cat": 6, "dog": 6}), [0], [0]
    fit = ImageOps.fit

    def slow(*arguments: Any) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        at_once[0] -= 1
        return fit(*arguments)

    monkeypatch.setattr(ImageOps, "fit", slow)
    monkeypatch.setattr("archbench_tasks._decoded_images.LARGE", 1)
    inspect(root, SMALL)

    assert most == [1]


def write_bad(root: Path, kind: str) -> Path:
    """Write a folder that cannot be used, and return its path."""
    if kind == "file":
        root.write_text("")
    elif kind == "no folders":
        root.mkdir()
    elif kind == "empty class":
        make(root, {"cat": 5, "dog": 5})
        (root / "emu").mkdir()
    elif kind == "not UTF-8":
        make(root, {"cat": 5, os.fsdecode(b"caf\xe9"): 5})
    elif kind == "one class":
        make(root, {"cat": 5})
    elif kind == "few":
        make(root, {"cat": 5, "dog": 2})
    elif kind == "link to nothing":
        make(root, {"cat": 5, "dog": 5})
        (root / "dog" / "gone.png").symlink_to(root / "nowhere.png")
    elif kind == "no test":
        make(root / "train", {"cat": 5, "dog": 5})
    elif kind == "empty split":
        make(root / "train", {"cat": 5, "dog": 5})
        (root / "test").mkdir()
    elif kind == "one of each":
        make(root, {"cat": 1, "dog": 1})
    elif kind == "class not tested":
        make(root / "train", {"cat": 5, "dog": 5})
        make(root / "test", {"cat": 5}, start=50)
    elif kind == "none readable":
        for name in ("cat/a.png", "dog/b.png"):
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(name)
    return root


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("file", r"is a file; images: needs a folder"),
        ("no folders", r"has no folders in it; put the images of each class into a folder of its own"),
        ("empty class", r"the folder emu in .* has no images"),
        ("not UTF-8", "the name of the folder caf\N{REPLACEMENT CHARACTER} in .* is not UTF-8; rename it"),
        ("one class", r"one class only, 'cat'"),
        ("few", r"class 'dog' has 2 distinct images, and none in the train split; it needs at least one in each"),
        ("one of each", r"the train split is empty: 2 images are too few; give more"),
        ("link to nothing", r"gone.png cannot be opened \(.*\); it is a link to a file that is gone; remove it"),
        ("no test", r"has train/ but no test/; give train/, test/ and perhaps validation/"),
        ("empty split", r"the split test/ in .* is empty"),
        ("class not tested", r"class 'dog' has 5 distinct images, and none in the test split"),
        ("none readable", r"none of the 2 images in .* can be read"),
    ],
)
def test_unusable_folders(kind: str, says: str, tmp_path: Path) -> None:
    """Each mistake has a message that says what is wrong and where."""
    with pytest.raises(DataError, match=says):
        inspect(write_bad(tmp_path / "pets", kind), SKIPS if kind == "none readable" else SMALL)


def test_cache_replaces_the_files_and_is_filled_again(tmp_path: Path) -> None:
    """Once decoded, images do not need their folder; an emptied cache is filled again, unless the files changed."""
    root = make(tmp_path / "pets", {"cat": 5, "dog": 5})
    content = inspect(root, SMALL).content
    first = rows(load(root, SMALL, content, 0))
    assert rows(load(tmp_path / "gone", SMALL, content, 0)) == first

    shutil.rmtree(tmp_path / "cache")
    assert rows(load(root, SMALL, content, 0)) == first
    assert [path.name for path in (tmp_path / "cache" / "own").iterdir()] == [f"images-1-{content}-8-colour"]
    shutil.rmtree(tmp_path / "cache")
    paint(root / "cat" / "0.png", 77)
    with pytest.raises(DataError, match="changed after the run began"):
        load(root, SMALL, content, 0)


def test_many_images_are_read_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that would fill the memory as floats stay on the disk, and have the same values when they are read."""
    root = make(tmp_path / "pets", {"cat": 20, "dog": 20})
    at_once = loaded(root).train
    monkeypatch.setattr(own_images, "ON_DEMAND", 0)
    on_demand = loaded(root).train

    assert isinstance(at_once.inputs, np.ndarray)
    assert not isinstance(on_demand.inputs, np.ndarray)
    assert isinstance(on_demand.inputs, ArrayLike)
    assert (on_demand.inputs.shape, on_demand.inputs.dtype) == (at_once.inputs.shape, at_once.inputs.dtype)
    some = np.array([5, 0, 5])
    np.testing.assert_array_equal(on_demand.inputs[some], at_once.inputs[some])


def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the folder that cannot be written, and says how to choose another."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "taken"))
    with pytest.raises(DataError, match=r"data folder .*taken.* cannot be written .*ARCHBENCH_DATA"):
        inspect(make(tmp_path / "pets", {"cat": 5, "dog": 5}), SMALL)


def test_conformance(tmp_path: Path, open_own: Any) -> None:
    """A task made of images passes the conformance kit."""
    (selected,) = open_own(f"images:{make(tmp_path / 'pets', {'cat': 40, 'dog': 40})}[size=8]")
    results = check_task(selected.registered, options=selected.options)

    assert [str(r) for r in results if r.status != "passed" and r.code != "T501"] == []
