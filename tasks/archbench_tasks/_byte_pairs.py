"""Byte pairs: tokens learned from the bytes of lower-case texts (Sennrich et al., arXiv:1508.07909, sec. 3.2)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BYTES = 256
PADDING = 0
LEARNT_FROM = 10_000


def learn_tokens(texts: Sequence[str], vocabulary: int) -> Any:
    """Return a tokenizer with so many tokens, or fewer where the texts have fewer pairs."""
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
    # Evenly spaced, because texts may be sorted by their labels.
    spaced = [texts[row] for row in range(0, len(texts), max(1, len(texts) // LEARNT_FROM))]
    tokenizer.train_from_iterator(spaced, trainer, length=len(spaced))
    return tokenizer


def tokenize(tokenizer: Any, texts: Sequence[str], length: int, what: str) -> tuple[Array, Array]:
    """Return tokens (N, length), padded at the end, and the number of real ones (N,); log how many texts were cut.

    Args:
        tokenizer: from `learn_tokens`.
        texts: N of them.
        length: the most tokens of a text.
        what: the texts in words, for the log.
    """
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
