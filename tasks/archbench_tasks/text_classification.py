"""AG News and IMDB: what a text is about, and whether it praises. Both need the extra `text`.

Sources. `ag-news`: Zhang, Zhao and LeCun, "Character-level convolutional networks for text classification",
arXiv:1509.01626, sec. 4; headline and first sentences of news of four kinds, 120,000 for training and 7,600 in the
test. `imdb`: Maas et al., "Learning word vectors for sentiment analysis", ACL 2011, sec. 4.1; 25,000 reviews of films
for training and 25,000 in the test, half of them favourable.

Tokens are byte pairs (Sennrich, Haddow and Birch, arXiv:1508.07909, sec. 3.2) over the bytes of the text in lower case,
so that no text is unknown. The tokenizer learns `vocabulary` tokens from 10,000 texts of the publisher's training part,
evenly spaced, and never sees the test part; it is the same for every seed, as the test part in tokens must be. A text
keeps its first `length` tokens and is padded at the end with token 0, which stands for nothing else. How many texts
lost their end the worker says in its log; of the test texts of AG News it is about one in 25.

Splits: the publisher's test part. Of its training part the seed draws 5,000 texts for validation, class by class.
`chance` is 1/4 and 1/2: the classes are equally frequent.

Loading takes each trial about fifteen seconds of a core for AG News and thirty for IMDB.

Published: 86.06 % right on AG News with an LSTM and 92.36 % with n-grams (Zhang et al., Table 4); 88.89 % on IMDB
(Maas et al., Table 2).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._published import LIBRARIES, draw_rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BYTES = 256
PADDING = 0
LEARNT_FROM = 10_000
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
    """Tokens, of variable length; one class."""
    return archbench.TaskInfo(
        kind="tokens",
        input_shape=(options.length,),
        outputs=CLASSES[name],
        vocabulary=options.vocabulary,
        variable_length=True,
    )


def load(options: Options, seed: int, *, name: str) -> archbench.Splits:
    """Inputs (N, length), int64, with their lengths, and labels (N,).

    Raises:
        DataError: a file is not in the format that its publisher gave it.
    """
    with _quiet():
        texts, labels = read(name, "train")
        tokenizer = learn_tokens(texts, options.vocabulary)
        inputs, lengths = _tokenize(tokenizer, texts, options.length, f"{name}, train")
        test_texts, test_labels = read(name, "test")
        test_inputs, test_lengths = _tokenize(tokenizer, test_texts, options.length, f"{name}, test")
    train, validation = (
        archbench.Examples(inputs[rows], labels[rows], lengths[rows])
        for rows in draw_rows(labels, VALIDATION_SHARES[name], seed=seed)
    )
    return archbench.Splits(train, validation, archbench.Examples(test_inputs, test_labels, test_lengths))


def read(name: str, part: str) -> tuple[list[str], Array]:
    """The texts and the labels (N,), from 0, of a published file."""
    import numpy as np

    folder = archbench.data_folder() / name
    if name == "imdb":
        table = _open("parquet", folder / f"{part}.parquet")
        texts, labels = _columns(table, folder, "text", "label")
        return texts, np.array(labels, np.int64)
    # No cell means a missing value: there is news with the headline `NA`.
    table = _open(
        "csv", folder / f"{part}.csv", types=NEWS_COLUMNS, column_names=list(NEWS_COLUMNS), keep_default_na=False
    )
    labels, titles, descriptions = _columns(table, folder, *NEWS_COLUMNS)
    return [f"{title} {text}" for title, text in zip(titles, descriptions, strict=True)], np.array(labels, np.int64) - 1


def _open(kind: str, path: Path, *, types: Mapping[str, str] | None = None, **more: Any) -> Any:
    """The rows of a local file, in memory; `types` are those of its columns, where the file does not say.

    What `datasets` would keep for the next time goes to a folder that is thrown away: the data folder may be read-only,
    many trials read at a time, and only `benchmark data prepare` writes there.
    """
    import tempfile
    import threading

    import tqdm

    tqdm.tqdm.set_lock(threading.RLock())  # by itself it takes a semaphore of the system, which outlives a worker
    import datasets

    datasets.disable_progress_bars()
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


def _columns(table: Any, folder: Path, *names: str) -> list[list[Any]]:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise archbench.DataError(
            f"a file in {folder} has no column {missing[0]!r}, only {', '.join(table.column_names)}; "
            "see `benchmark data verify`"
        )
    return [list(table[name]) for name in names]


def learn_tokens(texts: Sequence[str], vocabulary: int) -> Any:
    """A tokenizer of byte pairs with so many tokens or, where the texts have fewer pairs, less."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<padding>"],  # the first token: 0
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # Evenly spaced: the reviews are sorted by their labels.
    spaced = [texts[row] for row in range(0, len(texts), max(1, len(texts) // LEARNT_FROM))]
    tokenizer.train_from_iterator(spaced, trainer, length=len(spaced))
    return tokenizer


def _tokenize(tokenizer: Any, texts: Sequence[str], length: int, what: str) -> tuple[Array, Array]:
    """Tokens (N, length), padded at the end, and how many of them are real (N,)."""
    import numpy as np

    inputs = np.full((len(texts), length), PADDING, np.int64)
    lengths = np.empty(len(texts), np.int64)
    cut = 0
    for row, encoding in enumerate(tokenizer.encode_batch(texts, add_special_tokens=False)):
        kept = encoding.ids[:length]
        cut += len(encoding.ids) > length
        inputs[row, : len(kept)] = kept
        lengths[row] = max(1, len(kept))  # a text without a token is one step of padding
    if cut:
        logging.getLogger(__name__).warning("%s: %s of %s texts end after %s tokens", what, cut, len(texts), length)
    return inputs, lengths


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No connections from `datasets`, and no threads from `tokenizers`: a trial has its cores, and gives none away."""
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
    """News and reviews."""
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
