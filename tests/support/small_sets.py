"""Small data sets in the formats of the real ones: noise, with balanced labels."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

Array = np.ndarray[Any, Any]


def write_all(folder: Path) -> None:
    """Write every set that a built-in task reads below a data folder, without the notes that `prepare` leaves."""
    for name, seed in (("mnist", 1), ("fashion-mnist", 2)):
        write_idx_set(folder / name, seed=seed)
    for name, members in (("cifar-10", cifar_10()), ("cifar-100", cifar_100())):
        write_files(folder / name / "unpacked", members)
    write_files(folder / "svhn", svhn())
    write_files(folder / "imagenet", imagenet())
    for name, make, train in (("ag-news", news, "train.csv"), ("imdb", reviews, "train.parquet")):
        write_files(folder / name, {train: make(240, 60), train.replace("train", "test"): make(80, 61)})
    write_files(folder, language_models())


def noise(count: int, *shape: int, seed: int) -> Array:
    """Return random bytes (count, *shape), no two rows alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def balanced(count: int, classes: int, seed: int) -> Array:
    """Return labels (count,), equally many of each class, shuffled."""
    return np.random.default_rng(seed).permutation(np.arange(count) % classes)


def idx(array: Array) -> bytes:
    """Return a compressed idx file of bytes."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def write_idx_set(folder: Path, *, seed: int, train: int = 240, test: int = 100) -> None:
    """Write four files in the format of MNIST."""
    folder.mkdir(parents=True)
    for split, count, offset in (("train", train, 0), ("t10k", test, 100)):
        images, labels = noise(count, 28, 28, seed=seed + offset), balanced(count, 10, seed + offset)
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(labels))


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, given by their names relative to a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def cifar_10() -> dict[str, bytes]:
    """Return the members of the archive of CIFAR-10: five batches of 40 images, and 100 to test."""
    sizes = {**{f"data_batch_{number}": 40 for number in range(1, 6)}, "test_batch": 100}
    members = {}
    for seed, (name, count) in enumerate(sizes.items(), start=10):
        batch = {b"data": noise(count, 3072, seed=seed), b"labels": balanced(count, 10, seed).tolist()}
        members[f"cifar-10-batches-py/{name}"] = pickled(batch)
    return {**members, "cifar-10-batches-py/readme.html": b"<html></html>"}


def cifar_100() -> dict[str, bytes]:
    """Return the members of the archive of CIFAR-100: 1,000 images, and 200 to test."""
    members = {}
    for seed, (name, count) in enumerate({"train": 1000, "test": 200}.items(), start=20):
        labels = balanced(count, 100, seed)
        batch = {b"data": noise(count, 3072, seed=seed), b"fine_labels": labels.tolist()}
        members[f"cifar-100-python/{name}"] = pickled({**batch, b"coarse_labels": (labels // 5).tolist()})
    return members


def svhn() -> dict[str, bytes]:
    """Return the two files of SVHN; as in the real ones, a fifth of the labels are ones, and 0 is written as 10."""
    files = {}
    for seed, (name, count) in enumerate({"train": 200, "test": 100}.items(), start=30):
        labels = np.where(np.arange(count) % 10 == 0, 1, balanced(count, 10, seed))
        labels[labels == 0] = 10
        content = io.BytesIO()
        pixels = noise(count, 32, 32, 3, seed=seed).transpose(1, 2, 3, 0)
        savemat(content, {"X": pixels, "y": labels[:, None].astype(np.uint8)}, do_compression=True)
        files[f"{name}_32x32.mat"] = content.getvalue()
    return files


def imagenet() -> dict[str, bytes]:
    """Return JPEG files of several sizes and modes, in a folder for each of three classes of ImageNet."""
    files = {}
    draw = np.random.default_rng(40)
    for split, count in (("train", 12), ("val", 4)):
        for kind in ("n01440764", "n01443537", "n02102040"):
            for number in range(count):
                height, width = draw.integers(20, 60, 2).tolist()
                shape = (height, width) if number == 0 else (height, width, 3)  # some are grey in the real set too
                image, content = Image.fromarray(draw.integers(0, 256, shape, dtype=np.uint8)), io.BytesIO()
                image.save(content, "JPEG")
                files[f"{split}/{kind}/{kind}_{number}.JPEG"] = content.getvalue()
    return files


def tar_gz(members: dict[str, bytes]) -> bytes:
    """Return a compressed archive of files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def pickled(value: Any) -> bytes:
    """Return a value pickled as the CIFAR batches are: by an old Python, protocol 2."""
    return pickle.dumps(value, protocol=2).replace(b"numpy._core.", b"numpy.core.")


def news(count: int, seed: int) -> bytes:
    """Return a csv file like those of AG News: no header, all cells quoted, labels from 1, a comma in each title."""
    labels, draw = (balanced(count, 4, seed) + 1).tolist(), np.random.default_rng(seed)
    rows = (f'"{label}","Title {row}, of {seed}","He ""says"" {gossip(draw)}"' for row, label in enumerate(labels))
    return "\n".join([*rows, ""]).encode()


def reviews(count: int, seed: int) -> bytes:
    """Return a parquet file like those of IMDB: text and label, the unfavourable reviews first."""
    labels, draw = np.sort(balanced(count, 2, seed)), np.random.default_rng(seed)
    content = io.BytesIO()
    pq.write_table(
        pa.table({"text": [f"{row} {seed} {gossip(draw)}" for row in range(count)], "label": labels}), content
    )
    return content.getvalue()


def gossip(draw: np.random.Generator) -> str:
    """Return between 12 and 59 random words."""
    return " ".join(draw.choice(["dog", "bites", "man", "Film", "ends", "badly", "é"], draw.integers(12, 60)))


def language_models() -> dict[str, bytes]:
    """Return noise with the entropy that the characters of the real test splits have."""
    files = {}
    sizes = {"train": 30_000, "valid": 3_000, "test": 6_000}
    for seed, (split, count) in enumerate(sizes.items(), start=50):
        files[f"penn-treebank/ptb.{split}.txt"] = noise_text(50, 4.34462, count, seed)
        files[f"wikitext-2/raw/wikitext-2-raw/wiki.{split}.raw"] = noise_text(300, 4.557, count, seed)
    return files


def geometric(symbols: int, bits: float) -> Array:
    """Return geometric frequencies (symbols,) with an entropy of so many bits, found by bisection."""
    low, high = 0.5, 1.0
    for _ in range(50):
        ratio = (low + high) / 2
        shares = ratio ** np.arange(symbols)
        shares /= shares.sum()
        low, high = (ratio, high) if -(shares * np.log2(shares)).sum() < bits else (low, ratio)
    return shares


def noise_text(symbols: int, bits: float, count: int, seed: int) -> bytes:
    """Return random characters with an entropy of so many bits; all symbols occur if there are 10,000 or more."""
    shares, alphabet = (
        geometric(symbols, bits),
        [*map(chr, range(ord("a"), ord("z"))), "\n", " ", *map(chr, range(0x100, 0x100 + symbols - 27))],
    )
    draw = np.random.default_rng(seed)
    codes = draw.choice(symbols, count, p=shares)
    if count >= 10_000:
        codes[draw.permutation(count)[:symbols]] = np.arange(symbols)
    return "".join(alphabet[code] for code in codes).encode()
