"""The argument of docs/the-line.md, step by step. It states no result: those come from the records."""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    """One step of the argument.

    Args:
        title: its heading.
        text: the argument, without any result of ours.
        claims: names of the claims that test it.
        figures: charts that show it: a study and the number of its chart, counted from 0.
    """

    title: str
    text: str
    claims: tuple[str, ...]
    figures: tuple[tuple[str, int], ...] = ()


OPENING = """\
The built-in architectures were chosen to test one thought, which runs from the LSTM of 1997 to the residual nets of
2015: what makes a very deep net trainable is a straight, nearly linear path along which signal and gradient survive.
This page goes through the thought step by step. Under each step stand the published claims that test it and what the
committed records say of them; a claim that fails here is as much of a result as one that holds. All of it is computed
from `leaderboard/reference` by `python docs/the_line.py`, and `benchmark run depth lag gradient lesion line` makes such
records of your own."""

SECTIONS = (
    Section(
        "A recurrent net is a very deep net",
        "A recurrent net feeds its hidden state back. Unrolled over T steps it is a net of T layers with shared "
        "weights, and what it should learn about the distant past has to come back through all of them. Each step "
        "multiplies the error by the recurrent weights and by the slope of a squashing function, so that over many "
        "steps it vanishes or explodes. Then the net cannot learn what lies far back, however long it trains.",
        ("rnn-fails-at-lag-50", "gradient-of-a-trained-rnn-dies", "rnn-loses-its-line"),
        (("lag", 0), ("lag", 1)),
    ),
    Section(
        "The memory cell is a straight path through time",
        "The LSTM gives the state a way of its own: from step to step it is multiplied by the forget gate and "
        "something is added, and nothing else happens to it. Gates decide what enters, what stays and what is shown. "
        "While the forget gate is open, the error travels back along this path unchanged.",
        (
            "lstm-bridges-lag-50",
            "lstm-bridges-lag-100",
            "gru-bridges-lag-50",
            "lstm-1997-bridges-lag-50",
            "gradient-of-a-trained-lstm-lives",
            "lstm-learns-its-line",
            "forget-bias-one-is-faster",
            "forget-bias-three-is-no-slower",
            "chrono-start-is-faster",
            "identity-rnn-bridges-lag-50",
        ),
        (("lag", 2), ("line", 3)),
    ),
    Section(
        "Which parts of the cell carry the load?",
        "If the straight path is what matters, the cell should stand the loss of ornaments such as peepholes, and "
        "should not stand the loss of the gate that guards the path.",
        (
            "forget-gate-is-critical",
            "output-activation-is-critical",
            "coupled-gates-are-enough",
            "peepholes-are-dispensable",
        ),
        (("gates", 0),),
    ),
    Section(
        "Depth has the same trouble",
        "A deeper feed-forward net can express all that a shallower one can, and yet it trains worse: the degradation"
        " problem. It is no overfitting, for the training error rises. The first suspect is the gradient. With the "
        "starts and the normalisation of today its size need not vanish, and then something else must be lost on the "
        "way: what the layers still tell apart.",
        (
            "degradation",
            "plain-layers-collapse",
            "error-vanishes-in-depth",
            "normalised-plain-nets-keep-their-gradient",
            "information-collapses-in-plain-nets",
            "gradients-shatter-in-plain-nets",
        ),
        (("depth", 0), ("gradient", 0), ("gradient", 1)),
    ),
    Section(
        "Highway networks carry the path over to depth",
        "A highway layer mixes its output with its unchanged input, by a learned gate, as the LSTM does from step to "
        "step. A negative bias makes the gate carry almost everything at the start, and the deeper the net, the more "
        "has to be carried.",
        (
            "highway-nets-do-not-degrade",
            "highway-hundredfold",
            "deeper-highways-carry-more",
            "error-follows-the-gate",
        ),
        (("line", 2),),
    ),
    Section(
        "Residual nets make it an identity",
        "Without a gate, a block learns what to add to its input. The identity costs no weight, and gradients reach "
        "every block directly.",
        (
            "residual-nets-do-not-degrade",
            "shortcuts-train-deep-nets",
            "identity-in-layers-does-not-degrade",
            "pre-activation-trains-as-well",
            "rezero-trains-as-well",
        ),
        (("depth", 1),),
    ),
    Section(
        "How much line is needed?",
        "If the path matters because signals survive it, a path of less than full strength should fail by the power "
        "of the number of blocks: a half in each of fifty blocks leaves nothing.",
        (
            "half-a-line-is-not-enough",
            "halved-shortcuts-hurt",
            "averaging-hurts",
            "dropped-shortcuts-hurt",
            "exclusive-gates-hurt",
            "open-gates-recover",
        ),
        (("line", 0),),
    ),
    Section(
        "A residual block is a short path and a long one",
        "A block computes the sum of its input and a branch, so a net of n blocks is the sum of 2^n paths, most of "
        "them short. The short ones train easily, and the long ones add what these miss. If so, a trained residual "
        "net can lose single blocks, or have them swapped, and a plain net, which has one path only, cannot.",
        (
            "lesions-spare-residual-nets",
            "lesions-destroy-plain-nets",
            "lesions-destroy-plain-layers",
            "lesions-spare-highway-nets",
            "residual-nets-are-ensembles",
            "residual-blocks-can-be-swapped",
            "short-paths-count",
        ),
        (("lesion", 0), ("lesion", 1)),
    ),
    Section(
        "Is it the line?",
        "There are nets without shortcuts that start as isometries, and residual nets without normalisation. They "
        "tell whether it is the shortcut itself that matters, or that signals keep their length.",
        ("isometry-suffices", "normalisation-is-not-needed"),
        (("depth", 2),),
    ),
    Section(
        "Built on the line: dropped layers and dense connections",
        "Where blocks can be missing, they can be left out in training, which saves time and may help as dropout "
        "does. And where every layer reads all layers before it, each can be narrow.",
        (
            "dropped-layers-save-time",
            "dropped-layers-keep-gradient",
            "dropped-layers-generalise",
            "dense-nets-need-fewer-parameters",
        ),
        (("layer-drop", 0), ("efficiency", 0), ("efficiency", 2)),
    ),
    Section(
        "Another way to shorten the trip: auxiliary classifiers",
        "GoogLeNet hangs small classifiers on layers in the middle, whose losses are added in training at a weight of"
        " 0.3, so that the error has a shorter way to the first layers.",
        (
            "auxiliary-losses-change-little",
            "auxiliary-losses-do-not-speed-up",
            "auxiliary-losses-add-gradient",
            "one-auxiliary-head-is-enough",
        ),
        (("auxiliary", 0),),
    ),
)
