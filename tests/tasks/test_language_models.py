"""Penn Treebank and WikiText-2: how the published files are read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from archbench import IGNORED, DataError, Task
from archbench.testing.task import TaskSubject
from archbench.testing.task._scoring import score_constant, score_perfect
from archbench_tasks import language_models
from archbench_tasks.language_models import CharacterOptions, WordOptions, line_characters, load, number, words

TASKS: dict[str, Task] = {task.name: task for task in language_models.archbench_tasks()}
TRAIN = " no it was n't <unk> monday \n the N of <unk> \n \n it was \n"
TEST = " it was tuesday \n no \n"


@pytest.fixture
def treebank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with the three files, in the format of the real ones."""
    folder = tmp_path / "penn-treebank"
    folder.mkdir()
    for split, text in (("train", TRAIN), ("valid", TEST), ("test", TEST)):
        (folder / f"ptb.{split}.txt").write_text(text)
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path))
    return folder


def test_words_and_the_ends_of_lines() -> None:
    """A line is its words and <eos>; an empty line is <eos>; the newline at the end of the file begins no line."""
    expected = "no it was n't <unk> monday <eos> the N of <unk> <eos> <eos> it was <eos>"

    assert words(TRAIN) == expected.split()


def test_characters_of_penn_treebank() -> None:
    """Blanks at the ends of lines are left out, as in the published count; all other characters are kept."""
    assert line_characters(" a b \n\n c\x85d \n") == "a b\n\nc\x85d\n"


def test_unknown_words_become_unk(treebank: Path) -> None:
    """A word that training lacks becomes <unk>; the most frequent words have the lowest numbers."""
    numbers = number(words(TRAIN), 10_000)
    splits = load(WordOptions(length=4), 0, name="penn-treebank-words")
    asked = splits.test.targets[splits.test.targets != IGNORED].tolist()

    assert [numbers[word] for word in ("<eos>", "<unk>", "it", "was")] == [0, 1, 2, 3]
    assert asked == [numbers[word] for word in ("was", "<unk>", "<eos>", "no", "<eos>")]


def test_rare_characters_share_a_number() -> None:
    """Where there are more symbols than numbers, the rarest and all unknown symbols share the last number."""
    numbers = number("aaabbbccd", 3)

    assert numbers == {"a": 0, "b": 1, "<unk>": 2}


def test_seed_changes_nothing(treebank: Path) -> None:
    """Every seed has the published splits."""
    first, other = (load(CharacterOptions(length=5), seed, name="penn-treebank-characters") for seed in (0, 1))

    np.testing.assert_array_equal(first.train.inputs, other.train.inputs)
    assert all(task.fixed_splits for task in TASKS.values())


def test_split_without_a_block(treebank: Path) -> None:
    """The message about files too small for the blocks says the longest block that fits."""
    with pytest.raises(DataError, match=r"a part has 6 symbols.*set length=5 or less"):
        load(WordOptions(), 0, name="penn-treebank-words")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of Lightning with a newer torch
def test_ten_thousand_words_through_the_pipeline(treebank: Path) -> None:
    """A perfect predictor has a perplexity of 1, the best constant that of the frequencies of the words."""
    draw = np.random.default_rng(0)
    for split, first in (("train", range(9_998)), ("valid", ()), ("test", ())):
        numbers = [*first, *(9_998 * draw.random(1_500) ** 3).astype(int).tolist()]
        (treebank / f"ptb.{split}.txt").write_text(" ".join(f"w{n}" for n in numbers) + " <unk> \n")
    subject = TaskSubject(TASKS["penn-treebank-words"])
    counts = np.array(list(Counter(words((treebank / "ptb.test.txt").read_text())[1:]).values()))
    entropy = -(counts / 1_501 * np.log(counts / 1_501)).sum()

    assert score_perfect(subject) == 1
    assert score_constant(subject)[0] == pytest.approx(np.exp(entropy), rel=1e-5)
    assert subject.tensors["train"].targets.max() == 9_999


@pytest.mark.parametrize("name", TASKS)
def test_sizes_of_the_published_vocabularies(name: str) -> None:
    """Vocabularies have the published sizes; words are scored by perplexity, characters by bits; files are declared."""
    task = TASKS[name]
    info = task.describe(WordOptions() if name.endswith("words") else CharacterOptions())

    assert info.outputs == info.vocabulary
    assert (
        info.outputs
        == {
            "penn-treebank-words": 10_000,
            "penn-treebank-characters": 50,
            "wikitext-2-words": 33_278,
            "wikitext-2-characters": 256,
        }[name]
    )
    assert task.metric == ("perplexity" if name.endswith("words") else "bits_per_character")
    sizes: list[int] = [int(file.size) for file in task.files]
    assert sum(sizes) == (5_951_345 if "penn" in name else task.files[0].size)
