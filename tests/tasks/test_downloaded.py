"""Tasks on published data sets, on small files in the real formats."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import ArrayLike, DataError, RemoteFile, Splits, Task
from archbench._downloads import state
from archbench._downloads._prepare import prepare
from archbench_tasks import cifar, imagenet, mnist, svhn
from support import Load, small_sets


@pytest.fixture
def own_data(small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with a copy of the small sets, which a test may damage."""
    shutil.copytree(small_data, tmp_path / "data")
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def sizes(splits: Splits) -> tuple[int, int, int]:
    """Return the number of examples of each split."""
    return len(splits.train.targets), len(splits.validation.targets), len(splits.test.targets)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mnist", (220, 20, 100)), ("cifar-10", (180, 20, 100)), ("cifar-100", (900, 100, 200)), ("svhn", (180, 20, 100))],
)
def test_validation_is_drawn_class_by_class(name: str, expected: tuple[int, int, int], load: Load) -> None:
    """The seed divides the publisher's training set into training and validation, with equal shares of each class."""
    first, other = load(name, seed=1), load(name, seed=2)
    assert sizes(first) == sizes(other) == expected

    def rows(splits: Splits) -> set[bytes]:
        return {row.tobytes() for split in (splits.train, splits.validation) for row in split.inputs}

    assert rows(first) == rows(other)
    assert len(rows(first)) == expected[0] + expected[1]
    counts = [np.bincount(split.targets) / len(split.targets) for split in (first.train, first.validation)]
    assert counts[0] == pytest.approx(counts[1], abs=1 / expected[1])


def test_idx_pixels(load: Load) -> None:
    """The test images are those of the file, in its order, scaled with the published constants."""
    splits = load("mnist")
    pixels, labels = small_sets.noise(100, 28, 28, seed=101), small_sets.balanced(100, 10, 101)

    assert (splits.test.targets == labels).all()
    assert splits.test.inputs[:, 0] == pytest.approx((pixels / 255 - 0.1307) / 0.3081, abs=1e-6)


def test_pixel_by_pixel(load: Load) -> None:
    """Sequences are the images in reading order, or in the published order, which has a known hash."""
    images, plain, permuted = (load(name).test for name in ("mnist", "sequential-mnist", "permuted-mnist"))
    order = mnist.permutation()
    assert hashlib.sha256(order.astype("<u2").tobytes()).hexdigest()[:16] == "7c8746c4702fe684"
    assert order[:4].tolist() == [319, 576, 323, 107]
    assert (plain.inputs[:, 28 * 3 + 5, 0] == images.inputs[:, 0, 3, 5]).all()
    assert (permuted.inputs == plain.inputs[:, order]).all()

    colours, sequence = load("cifar-10").test, load("sequential-cifar-10").test
    assert (sequence.inputs[:, 32 * 3 + 5] == colours.inputs[:, :, 3, 5]).all()
    order = cifar.permutation()
    assert hashlib.sha256(order.astype("<u2").tobytes()).hexdigest()[:16] == "043cde7e608cf90e"
    assert (load("permuted-cifar-10").test.inputs == sequence.inputs[:, order]).all()


def test_cifar_pixels(load: Load) -> None:
    """A row of a batch is the red, the green and the blue plane of an image."""
    splits = load("cifar-10")
    pixels = small_sets.noise(100, 3072, seed=15).reshape(-1, 3, 32, 32)
    mean, deviation = (np.array(values).reshape(3, 1, 1) for values in cifar.SCALES["cifar-10"])

    assert splits.test.inputs == pytest.approx((pixels / 255 - mean) / deviation, abs=1e-6)
    assert (load("cifar-100").test.targets == small_sets.balanced(200, 100, 21)).all()


def test_svhn_pixels(load: Load) -> None:
    """Axes are put into the order of images, and the label 10 becomes the digit 0."""
    splits = load("svhn")
    pixels = small_sets.noise(100, 32, 32, 3, seed=31).transpose(0, 3, 1, 2)
    mean, deviation = (np.array(values).reshape(3, 1, 1) for values in (svhn.MEAN, svhn.DEVIATION))

    assert splits.test.inputs == pytest.approx((pixels / 255 - mean) / deviation, abs=1e-6)
    assert sorted(set(splits.test.targets.tolist())) == list(range(10))


def test_real_archive_to_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`prepare` unpacks the archive of CIFAR-10, put in place by hand, so that the task can read it."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path))
    declared, archive = cifar.FILES["cifar-10"], small_sets.tar_gz(small_sets.cifar_10())
    small = RemoteFile(
        path=declared.path,
        urls=declared.urls,
        unpack=declared.unpack,
        size=len(archive),
        sha256=hashlib.sha256(archive).hexdigest(),
    )
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / small.path).write_bytes(archive)

    prepare([small], lambda event, needed, done=0: None)

    assert (state(small), state(declared)) == ("ready", "unchecked")
    assert sizes(cifar.load_images(None, 0, name="cifar-10")) == (180, 20, 100)


@pytest.mark.parametrize(
    "content",
    [b"", gzip.compress(b""), gzip.compress(bytes([0, 0, 8, 3]) + bytes(12) + b"more")],
    ids=["nothing", "empty", "too long"],  # a compressed file holds its time: the two processes would name it otherwise
)
def test_damaged_idx(content: bytes, own_data: Path) -> None:
    """The message names a file that is no idx file."""
    path = own_data / "mnist/train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path} is no idx file.* see `benchmark data verify mnist`"):
        mnist.load_sequences(None, 0)


class Evil:
    """An object that runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_damaged_batches(own_data: Path, tmp_path: Path) -> None:
    """A pickle that would run code, lacks what is needed, or is cut off is refused by name, and runs nothing."""
    path = own_data / "cifar-10/unpacked/cifar-10-batches-py/test_batch"
    whole = path.read_bytes()
    marker = tmp_path / "marker"
    for content in (pickle.dumps(Evil(marker), protocol=2), pickle.dumps({b"data": 1}), whole[:1000], b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{path} is no batch of CIFAR images"):
            cifar.load_images(None, 0, name="cifar-10")
    assert not marker.exists()


def test_damaged_mat(own_data: Path) -> None:
    """The message names a file that is no MATLAB file."""
    path = own_data / "svhn/test_32x32.mat"
    for content in (b"", b"nonsense" * 100, path.read_bytes()[:500]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{path} is no MATLAB file"):
            svhn.load(None, 0)


@pytest.fixture
def three_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce ImageNet to three classes."""
    monkeypatch.setattr(imagenet, "CLASSES", 3)


@pytest.mark.usefixtures("three_classes")
def test_imagenet_folders(own_data: Path) -> None:
    """Labels follow the names of the folders; images of all sizes and modes come out in one shape."""
    options = imagenet.ImagenetOptions(size=16)
    splits = imagenet.load(options, 0)
    pictures = splits.test.inputs
    index = np.arange(len(pictures))

    assert sizes(splits) == (33, 3, 12)
    assert sorted(splits.validation.targets.tolist()) == [0, 1, 2]
    assert splits.test.targets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert pictures[index].shape == pictures.shape == (12, 3, 16, 16)
    assert pictures[index].dtype == pictures.dtype == np.float32
    assert (pictures[index[::-1]][::-1] == pictures[index]).all()
    assert isinstance(pictures, ArrayLike)
    assert not set(splits.train.inputs.paths) & set(splits.validation.inputs.paths)
    assert set(imagenet.load(options, 1).validation.inputs.paths) != set(splits.validation.inputs.paths)


def test_middle_of_an_image(tmp_path: Path) -> None:
    """An image that needs no resizing gives its middle, pixel by pixel; a wide one loses its sides."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (64, 100, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")

    assert (imagenet.decode(str(tmp_path / "wide.png"), 56) == pixels[4:60, 22:78]).all()


@pytest.mark.usefixtures("three_classes")
def test_damaged_folders(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name missing classes, empty classes and unreadable images."""
    options = imagenet.ImagenetOptions(size=16)
    victim = own_data / "imagenet/val/n01440764/n01440764_0.JPEG"
    victim.write_bytes(victim.read_bytes()[:200])
    with pytest.raises(DataError, match=f"{victim} is no image"):
        imagenet.load(options, 0).test.inputs[np.arange(2)]

    shutil.move(own_data / "imagenet/val/n01440764", own_data / "imagenet/val/other")
    with pytest.raises(DataError, match=r"same classes; only in one: \['n01440764', 'other'\]"):
        imagenet.load(options, 0)
    for path in (own_data / "imagenet/train/n01440764").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has no images; 1 of the classes"):
        imagenet.load(options, 0)
    monkeypatch.setattr(imagenet, "CLASSES", 1_000)
    with pytest.raises(DataError, match="has 3 folders, one for each of 1,000"):
        imagenet.load(options, 0)


def test_declared_files_are_the_published_ones(tasks: dict[str, Task]) -> None:
    """Each downloaded task declares its files with sha256, from protected addresses, and is run only on demand."""
    with_files = [task for task in tasks.values() if task.files]

    assert len(with_files) == 13
    for task in with_files:
        assert not task.by_default
        assert all(isinstance(file, RemoteFile) and file.sha256 for file in task.files)
        assert all(url.startswith("https://") for file in task.files for url in file.urls)
