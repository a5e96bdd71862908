"""The claims that the study of lag decides.

Claims about what a net learns are about the share of seeds that solve the adding problem, for some seeds may solve it
where others do not, and means of so few say nothing then. Twelve seeds that agree decide whether it is more than half.
A seed that solves nothing, or diverges, has as many steps to solve as the budget.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import archbench
from archbench_studies._lags import (
    GRU,
    IRNN,
    LSTM,
    LSTM_1997,
    LSTM_HIGH,
    LSTM_LOW,
    RNN,
    SPEED_NOTE,
    Net,
    kept_over,
    solves,
    solves_alone,
    solves_at,
    solves_too,
    speed,
)
from archbench_studies._reductions import difference
from archbench_studies._rules import GRADIENT_LENGTH

BUDGET = "within 1,200 steps of 32 sequences, under one grid of learning rates for all"
SPAN = 50
"""Time steps over which the loss of gradient is stated."""

MOST = 0.5
"""Share of seeds above which most of them solve a task."""

MANY = 12
"""The fewest seeds whose exact interval excludes `MOST`, for a family of up to 102 claims."""

STEPS_NOISE = 0.3
"""Of the logarithm to base 2 of the ratio of two nets' steps to solve: those of two seeds of one net differ by a fifth,
and a validation every 50 of some 600 steps is a step of 0.12."""

LSTM_NOISE, RNN_NOISE = 0.2, 0.4
"""Of the decades that a gradient gains over `SPAN` steps, fitted to all lags: it scatters by a few tenths of a decade
from lag to lag, and more in a net that has learned nothing."""


def gradient_kept(length: int, net: Net, data: archbench.StudyData, *, learned: bool = False) -> dict[int, float]:
    """Return the decades that the gradient of the trained net gains over `SPAN` steps back in time.

    Args:
        length: steps of the sequences.
        net: which net.
        data: of the study.
        learned: of the seeds that solved the task only. Others are another kind of net; a claim is then undecided.
    """
    mine = net.at(data, length)
    kept = kept_over(SPAN, mine)
    return {seed: kept[seed] for seed, able in solves(mine).items() if seed in kept and (able or not learned)}


def gradient_learned(length: int, net: Net, data: archbench.StudyData, *, learned: bool = False) -> dict[int, float]:
    """Return what training adds to the decades that the gradient gains over `SPAN` steps back in time.

    Args:
        length, net, data, learned: as of `gradient_kept`.
    """
    return difference(
        gradient_kept(length, net, data, learned=learned), kept_over(SPAN, net.at(data, length), first=True)
    )


def _most(*, effect: str, **fields: Any) -> archbench.Claim:
    """Return a claim about most seeds."""
    fields = {"rule": "above", "threshold": MOST, "measure": "share", "seeds": MANY, "revision": 2, **fields}
    return archbench.Claim(study="lag", effect=f"share of seeds: {effect}", **fields)


CLAIMS = (
    _most(
        name="rnn-fails-at-lag-50",
        statement=f"With most seeds a tanh RNN does not solve the adding problem of 50 steps {BUDGET}.",
        source="Bengio et al. 1994; arXiv:1504.00941, sec. 4.1; arXiv:1803.01271, Table 1",
        effect="the tanh RNN solves length 50",
        statistic=partial(solves_at, 50, RNN),
        rule="below",
        published="0.177, the error of a constant, at 600 steps (arXiv:1803.01271, Table 1)",
        replications=("ARotting/long-lag-adding, 16,000 sequences of 100 steps: RMSE 0.386, a constant 0.408",),
        refuted_by="it solves it with most seeds",
    ),
    _most(
        name="lstm-bridges-lag-50",
        statement=f"With most seeds an LSTM solves the adding problem of 50 steps and a tanh RNN does not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4; arXiv:1504.00941, sec. 4.1",
        effect="the LSTM solves length 50 and the tanh RNN does not",
        statistic=partial(solves_alone, 50, LSTM, RNN),
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        refuted_by="with most seeds the LSTM fails, or the RNN solves it too",
    ),
    _most(
        name="lstm-bridges-lag-100",
        statement=f"With most seeds an LSTM solves the adding problem of 100 steps and a tanh RNN does not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4; arXiv:1504.00941, sec. 4.1",
        effect="the LSTM solves length 100 and the tanh RNN does not",
        statistic=partial(solves_alone, 100, LSTM, RNN),
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        replications=(
            "ARotting/long-lag-adding, 16,000 sequences of 100 steps: RMSE 0.011, RNN 0.386",
            "arXiv:1803.01271, Table 1, at 600 steps: 0.164, no better than a constant",
        ),
        refuted_by="with most seeds the LSTM fails, or the RNN solves it too",
    ),
    _most(
        name="gru-bridges-lag-50",
        statement=f"With most seeds a GRU solves the adding problem of 50 steps and a tanh RNN does not, {BUDGET}.",
        source="arXiv:1412.3555; arXiv:1803.01271, Table 1",
        effect="the GRU solves length 50 and the tanh RNN does not",
        statistic=partial(solves_alone, 50, GRU, RNN),
        published="5.3e-5 at 600 steps, where the RNN has 0.177 (arXiv:1803.01271, Table 1)",
        replications=("ARotting/long-lag-adding, 16,000 sequences of 100 steps: RMSE 0.013, RNN 0.386",),
        refuted_by="with most seeds the GRU fails, or the RNN solves it too",
    ),
    _most(
        name="lstm-1997-bridges-lag-50",
        statement="With most seeds the LSTM of 1997, without forget gate, solves the adding problem of 50 steps and a "
        f"tanh RNN does not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4",
        effect="the LSTM of 1997 solves length 50 and the tanh RNN does not",
        statistic=partial(solves_alone, 50, LSTM_1997, RNN),
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        refuted_by="with most seeds the LSTM of 1997 fails, or the RNN solves it too",
    ),
    _most(
        name="identity-rnn-bridges-lag-50",
        statement="With most seeds an identity-initialised ReLU RNN solves the adding problem of 50 steps as an LSTM "
        f"does, {BUDGET}.",
        source="arXiv:1504.00941, sec. 4.1",
        effect="the identity RNN solves length 50, of those with which the LSTM does",
        statistic=partial(solves_too, 50, IRNN, LSTM),
        published="as fast as the LSTM at 150 steps, and slower but successful at 400 (arXiv:1504.00941, Fig. 2), as "
        "remembered",
        replications=("arXiv:1511.06464, Fig. 2: not beyond a constant within their budget at long lags",),
        refuted_by="with most seeds it fails where the LSTM does not",
    ),
    archbench.Claim(
        name="forget-bias-one-is-faster",
        statement="An LSTM whose forget bias starts at 1 learns the adding problem of 50 steps in half the "
        "steps that it takes from a bias of -1.",
        source="Jozefowicz et al., ICML 2015, sec. 4; Gers et al. 2000",
        study="lag",
        effect="log2 of the steps to solve from a bias of -1 over those from 1, at length 50",
        note=SPEED_NOTE,
        statistic=partial(speed, 50, LSTM, LSTM_LOW),
        rule="above",
        threshold=1.0,  # smaller factors could be those of two seeds of one net
        noise=STEPS_NOISE,
        seeds=MANY,
        revision=2,
        published="a bias of 1 or 2 closes the gap to the best cells found by search",
        refuted_by="less than half the steps saved",
    ),
    archbench.Claim(
        name="forget-bias-three-is-no-slower",
        statement="An LSTM whose forget bias starts at 3, which remembers about 20 steps, learns the adding problem of "
        "50 steps at least as fast as one from a bias of 1, which remembers about 4.",
        source="arXiv:1804.11188, sec. 2: the bias should match the lag",
        study="lag",
        effect="log2 of the steps to solve from a bias of 3 over those from 1, at length 50",
        note=SPEED_NOTE,
        statistic=partial(speed, 50, LSTM, LSTM_HIGH),
        rule="below",
        threshold=0.5,  # 40 % more steps, more than those of two seeds of one net differ
        noise=STEPS_NOISE,
        seeds=MANY,
        revision=2,
        published="noisy temporal order: a bias of 5 is as fast as the LSTM of 1997, one of 1 some three times slower "
        "(Gers et al. 2000, as two summaries of the paper give it)",
        refuted_by="40 % more steps or above",
    ),
    archbench.Claim(
        name="gradient-of-a-trained-rnn-dies",
        statement="After training on 50 steps, the gradient of a tanh RNN falls by a factor of 10 or more within 50 "
        "steps back in time.",
        source="Hochreiter 1991; Bengio et al. 1994; arXiv:1211.5063, sec. 2",
        study="lag",
        effect=f"decades that the gradient gains over {SPAN} steps back in time, fitted to all lags",
        statistic=partial(gradient_kept, GRADIENT_LENGTH, RNN),
        rule="below",
        threshold=-1.0,  # the counterpart of what the LSTM must keep
        noise=RNN_NOISE,
        seeds=5,
        revision=2,
        refuted_by="a gradient that falls by less than a factor of 10",
    ),
    archbench.Claim(
        name="gradient-of-a-trained-lstm-lives",
        statement="The gradient of an LSTM that has learned the adding problem of 50 steps stays within a factor of 10 "
        "over 50 steps back in time.",
        source="Hochreiter and Schmidhuber 1997, sec. 3.2 and 4: the constant error carousel",
        study="lag",
        effect=f"decades that the gradient gains over {SPAN} steps back in time, fitted to all lags",
        statistic=partial(gradient_kept, GRADIENT_LENGTH, LSTM, learned=True),
        rule="within",
        threshold=1.0,  # an optimiser that scales its steps, as Adam does, loses nothing then
        noise=LSTM_NOISE,
        seeds=5,
        revision=2,
        refuted_by="a gradient that falls or grows by more",
    ),
    archbench.Claim(
        name="lstm-learns-its-line",
        statement="The gradient of an LSTM whose forget bias starts at 1 fades over time before training, and learning "
        "the adding problem of 50 steps straightens its path: over 50 steps twice as much is left as before.",
        source="arXiv:1804.11188, sec. 2: a bias of 1 remembers 1/(1 - sigmoid(1)), about 4 steps",
        study="lag",
        effect=f"what training adds to the decades that the gradient gains over {SPAN} steps back in time",
        statistic=partial(gradient_learned, GRADIENT_LENGTH, LSTM, learned=True),
        rule="above",
        threshold=0.3,  # log10 of 2
        noise=LSTM_NOISE,
        seeds=5,
        revision=2,
        refuted_by="less than twice as much is left after training as before",
    ),
    archbench.Claim(
        name="rnn-loses-its-line",
        statement="An orthogonal start gives a tanh RNN a gradient that reaches back in time, and training on 50 steps "
        "destroys it: over 50 steps half or less of what was left before is left.",
        source="arXiv:1312.6120; arXiv:1211.5063, sec. 2",
        study="lag",
        effect=f"what training adds to the decades that the gradient gains over {SPAN} steps back in time",
        statistic=partial(gradient_learned, GRADIENT_LENGTH, RNN),
        rule="below",
        threshold=-0.3,  # log10 of 1/2
        noise=RNN_NOISE,
        seeds=5,
        revision=2,
        refuted_by="more than half of what was left before training is left after it",
    ),
)
