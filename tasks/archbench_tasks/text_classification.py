"""AG News and IMDB: the topic of news, and whether reviews of films praise. Both need the extra `text`.

Sources. `ag-news`: Zhang, Zhao and LeCun, "Character-level convolutional networks for text classification",
arXiv:1509.01626, sec. 4; headline and first sentences of news of four kinds, 120,000 for training and 7,600 in the
test. `imdb`: Maas et al., "Learning word vectors for sentiment analysis", ACL 2011, sec. 4.1; 25,000 reviews of films
for training and 25,000 in the test, half of them favourable.

Tokens are byte pairs (Sennrich, Haddow and Birch, arXiv:1508.07909, sec. 3.2) over the bytes of the text in lower case,
so that no text is unknown. The tokenizer learns `vocabulary` tokens from 10,000 texts of the publisher's training set,
evenly spaced, and never sees the test set. It is the same for every seed, because the test split must be. A text keeps
its first `length` tokens and is padded at the end with token 0, which stands for nothing else. The worker's log says
how many texts were cut; of the test texts of AG News about one in 25 is.

Splits: the publisher's test set. Of its training set the seed draws 5,000 texts for validation, class by class.
`chance` is 1/4 and 1/2: the classes are equally frequent.

Loading costs each trial about fifteen seconds of a core for AG News and thirty for IMDB.

Published: 86.06 % right on AG News with an LSTM and 92.36 % with n-grams (Zhang et al., Table 4); 88.89 % on IMDB
(Maas et al., Table 2).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._byte_pairs import BYTES, learn_tokens, tokenize
from archbench_tasks._downloaded import LIBRARIES, draw_rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

VALIDATION_SHARES = {"ag-news": 1 / 24, "imdb": 1 / 5}
NEWS_COLUMNS = {"label": "int64", "title": "string", "description": "string"}
CLASSES = {"ag-news": 4, "imdb": 2}

VOCABULARY = archbench.Meta(ge=BYTES + 1, description="distinct tokens: padding, bytes, and pairs of tokens")
LENGTH = archbench.Meta(ge=1, description="tokens of a text; what is longer loses its end")


@dataclass(frozen=True)
class NewsOptions:
    """Settings of the tokens."""

    vocabulary: Annotated[int, VOCABULARY] = 4_096  # a token is then four letters on the average
    length: Annotated[int, LENGTH] = 100  # all of 24 texts in 25


@dataclass(frozen=True)
class ReviewOptions:
    """Settings of the tokens."""

    vocabulary: Annotated[int, VOCABULARY] = 4_096
    length: Annotated[int, LENGTH] = 400  # most reviews; the verdict of long ones often comes at the end


Options = NewsOptions | ReviewOptions


def info(options: Options, *, name: str) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens, of variable length; one class for a text."""
    return archbench.TaskInfo(
        kind="tokens",
        input_shape=(options.length,),
        outputs=CLASSES[name],
        vocabulary=options.vocabulary,
        variable_length=True,
    )


def load(options: Options, seed: int, *, name: str) -> archbench.Splits:
    """Return inputs (N, length), int64, with their lengths, and labels (N,).

    Raises:
        DataError: a file is not in the format that its publisher gave it.
    """
    with _offline_and_single_threaded():
        texts, labels = read(name, "train")
        tokenizer = learn_tokens(texts, options.vocabulary)
        inputs, lengths = tokenize(tokenizer, texts, options.length, f"{name}, train")
        test_texts, test_labels = read(name, "test")
        test_inputs, test_lengths = tokenize(tokenizer, test_texts, options.length, f"{name}, test")
    train, validation = (
        archbench.Examples(inputs[rows], labels[rows], lengths[rows])
        for rows in draw_rows(labels, VALIDATION_SHARES[name], seed=seed)
    )
    return archbench.Splits(train, validation, archbench.Examples(test_inputs, test_labels, test_lengths))


def read(name: str, split: str) -> tuple[list[str], Array]:
    """Return the texts and the labels (N,), from 0, of the published `train` or `test` set."""
    import numpy as np

    folder = archbench.data_folder() / name
    if name == "imdb":
        table = _open("parquet", folder / f"{split}.parquet")
        texts, labels = _columns(table, folder, "text", "label")
        return texts, np.array(labels, np.int64)
    # No cell stands for a missing value: there is news with the headline `NA`.
    table = _open(
        "csv", folder / f"{split}.csv", types=NEWS_COLUMNS, column_names=list(NEWS_COLUMNS), keep_default_na=False
    )
    labels, titles, descriptions = _columns(table, folder, *NEWS_COLUMNS)
    return [f"{title} {text}" for title, text in zip(titles, descriptions, strict=True)], np.array(labels, np.int64) - 1


def _open(kind: str, path: Path, *, types: Mapping[str, str] | None = None, **more: Any) -> Any:
    """Return the rows of a local file, in memory.

    `datasets` writes its cache to a folder that is deleted at the end: the data folder may be read-only, many trials
    read at a time, and only `benchmark data prepare` writes there.

    Args:
        kind: `csv` or `parquet`.
        path: of the file.
        types: of the columns, where the file does not say them.
        more: arguments for the reader of this kind.
    """
    import tempfile

    datasets = _import_datasets()
    features = None if types is None else datasets.Features({name: datasets.Value(types[name]) for name in types})
    with tempfile.TemporaryDirectory() as cache:
        try:
            return datasets.load_dataset(
                kind,
                data_files=str(path),
                split="train",
                cache_dir=cache,
                keep_in_memory=True,
                features=features,
                **more,
            )
        except (datasets.exceptions.DatasetGenerationError, FileNotFoundError, ValueError) as error:
            raise archbench.DataError(
                f"{path} is not the {kind} file that was published ({error.__cause__ or error}); "
                "see `benchmark data verify`"
            ) from None


def _import_datasets() -> Any:
    """Return the module `datasets`, without progress bars."""
    import threading

    import tqdm

    tqdm.tqdm.set_lock(threading.RLock())  # its default lock is a semaphore of the system, which outlives a worker
    tqdm.tqdm.monitor_interval = 0  # no thread that watches bars, of which there are none: it would forbid to fork
    import datasets

    datasets.disable_progress_bars()
    return datasets


def _columns(table: Any, folder: Path, *names: str) -> list[list[Any]]:
    """Return the columns of these names."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise archbench.DataError(
            f"a file in {folder} has no column {missing[0]!r}, only {', '.join(table.column_names)}; "
            "see `benchmark data verify`"
        )
    return [list(table[name]) for name in names]


@contextlib.contextmanager
def _offline_and_single_threaded() -> Iterator[None]:
    """Keep `datasets` off the network, and `tokenizers` to one thread, since a trial has only so many cores."""
    wanted = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


NEWS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/555590db4219b1243abb1918effd6a7425a2d75f/data/ag_news_csv/"
REVIEWS = (
    "https://huggingface.co/datasets/stanfordnlp/imdb/resolve/e6281661ce1c48d982bc483cf8a173c1bbeb5d31/plain_text/"
)
# Sums: those of the Hugging Face hub.
FILES = {
    "ag-news": (
        ("train.csv", NEWS + "train.csv", 29_470_338,
         "76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e"),
        ("test.csv", NEWS + "test.csv", 1_857_427,
         "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699"),
    ),
    "imdb": (
        ("train.parquet", REVIEWS + "train-00000-of-00001.parquet", 20_979_968,
         "db47d16b5c297cc0dd625e519c81319c24c9149e70e8496de5475f6fa928342c"),
        ("test.parquet", REVIEWS + "test-00000-of-00001.parquet", 20_470_363,
         "b52e26e2f872d282ffac460bf9770b25ac6f102cda0e6ca7158df98c94e8b3da"),
    ),
}  # fmt: skip


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the news and the reviews."""
    for name, options, summary, source in (
        (
            "ag-news",
            NewsOptions,
            "Four kinds of news, told from headline and first sentences",
            "arXiv:1509.01626, sec. 4",
        ),
        ("imdb", ReviewOptions, "Favourable and unfavourable reviews of films", "Maas et al., ACL 2011, sec. 4.1"),
    ):
        yield archbench.Task(
            name=name,
            info=partial(info, name=name),
            load=partial(load, name=name),
            loss="cross_entropy",
            metric="accuracy",
            chance=1 / CLASSES[name],
            oracle=1.0,
            margin=0.005,  # 38 of the 7,600 news, 125 of the 25,000 reviews
            options=options,
            by_default=False,
            libraries=LIBRARIES,
            packages=dict.fromkeys(("datasets", "tokenizers"), "pip install 'archbench[text]'"),
            files=tuple(
                archbench.RemoteFile(path=f"{name}/{file}", urls=(url,), size=size, sha256=sha256)
                for file, url, size, sha256 in FILES[name]
            ),
            summary=summary,
            source=source,
        )
