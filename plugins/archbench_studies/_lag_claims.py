"""The claims that the study of lag decides.

Effects of errors are shares of the error of the best constant, 1/6: 1 is nothing learned, 0.06 is solved. A seed that
solves nothing or diverges has 1, and as many steps as the budget. Thresholds, noise and seeds were fixed before the
first records of the study, for the reasons beside them.
"""

from __future__ import annotations

from functools import partial

import archbench
from archbench_studies._lags import (
    CHRONO,
    GRU,
    IRNN,
    LSTM,
    LSTM_1997,
    LSTM_HIGH,
    LSTM_LOW,
    RNN,
    VANILLA,
    Net,
    error_at,
    kept_over,
    lead,
    speed,
)
from archbench_studies._reductions import difference

BUDGET = "within 1,500 steps of 32 sequences, under one grid of learning rates for all"
SPAN = 50
"""Time steps over which the loss of gradient is stated."""

HALF = 0.5
"""Half the error of the constant: below it a net has learned to remember one of the two numbers, as the other alone
leaves 1/2. So it parts nets that remember from nets that do not."""

NOISE = 0.05
"""Of an error, as a share of that of the constant: 500 validation sequences, by which the weights are selected, fix the
constant's own error to 4 % or so."""

STEPS_NOISE = 0.1
"""Of the logarithm to base 2 of the steps to solve: a validation every 50 of some 600 steps is a step of 0.12."""

LSTM_NOISE, RNN_NOISE = 0.1, 0.3
"""Of the decades that a gradient gains over `SPAN` steps, fitted to all lags: it scatters by a few tenths of a decade
from lag to lag, and more in a net that has learned nothing."""


def gradient_kept(length: int, net: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return the decades that the gradient of the trained net gains over `SPAN` steps back in time."""
    return kept_over(SPAN, net.at(data, length))


def gradient_learned(length: int, net: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return what training adds to the decades that the gradient gains over `SPAN` steps back in time."""
    mine = net.at(data, length)
    return difference(kept_over(SPAN, mine), kept_over(SPAN, mine, first=True))


CLAIMS = (
    archbench.Claim(
        name="rnn-fails-at-lag-50",
        statement=f"A tanh RNN does not learn the adding problem of 50 steps {BUDGET}.",
        source="Bengio et al. 1994; arXiv:1504.00941, sec. 4.1; arXiv:1803.01271, Fig. 2",
        study="lag",
        effect="test error of the tanh RNN at length 50, as a share of that of a constant",
        statistic=partial(error_at, 50, RNN),
        rule="above",
        threshold=HALF,
        noise=NOISE,
        seeds=5,
        published="0.177, the error of a constant, at 200 steps (arXiv:1803.01271, Fig. 2)",
        refuted_by="errors below half that of a constant",
    ),
    archbench.Claim(
        name="lstm-bridges-lag-50",
        statement=f"An LSTM learns the adding problem of 50 steps where a tanh RNN does not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4; arXiv:1504.00941, sec. 4.1",
        study="lag",
        effect="test error of the tanh RNN less that of the LSTM at length 50, as a share of that of a constant",
        statistic=partial(lead, 50, LSTM, RNN),
        rule="above",
        threshold=HALF,
        noise=NOISE,
        seeds=5,
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        refuted_by="errors that differ by less than half that of a constant",
    ),
    archbench.Claim(
        name="lstm-bridges-lag-100",
        statement=f"An LSTM learns the adding problem of 100 steps where a tanh RNN does not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4; arXiv:1504.00941, sec. 4.1",
        study="lag",
        effect="test error of the tanh RNN less that of the LSTM at length 100, as a share of that of a constant",
        statistic=partial(lead, 100, LSTM, RNN),
        rule="above",
        threshold=HALF,
        noise=NOISE,
        seeds=5,
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        refuted_by="errors that differ by less than half that of a constant",
    ),
    archbench.Claim(
        name="gru-bridges-lag-100",
        statement=f"A GRU learns the adding problem of 100 steps where a tanh RNN does not, {BUDGET}.",
        source="arXiv:1412.3555; arXiv:1803.01271, Fig. 2",
        study="lag",
        effect="test error of the tanh RNN less that of the GRU at length 100, as a share of that of a constant",
        statistic=partial(lead, 100, GRU, RNN),
        rule="above",
        threshold=HALF,
        noise=NOISE,
        seeds=5,
        published="5.3e-5 at 200 steps, where the RNN has 0.177 (arXiv:1803.01271, Fig. 2)",
        refuted_by="errors that differ by less than half that of a constant",
    ),
    archbench.Claim(
        name="lstm-1997-bridges-lag-50",
        statement=f"The LSTM of 1997, without forget gate, learns the adding problem of 50 steps where a tanh RNN does "
        f"not, {BUDGET}.",
        source="Hochreiter and Schmidhuber 1997, sec. 5.4",
        study="lag",
        effect="test error of the tanh RNN less that of the LSTM of 1997 at length 50, in errors of a constant",
        statistic=partial(lead, 50, LSTM_1997, RNN),
        rule="above",
        threshold=HALF,
        noise=NOISE,
        seeds=5,
        published="solved at 100 steps after 74,000 sequences (1997, Table 7)",
        refuted_by="errors that differ by less than half that of a constant",
    ),
    archbench.Claim(
        name="identity-rnn-bridges-lag-50",
        statement=f"An identity-initialised ReLU RNN learns the adding problem of 50 steps as an LSTM does, {BUDGET}.",
        source="arXiv:1504.00941, sec. 4.1",
        study="lag",
        effect="test error of the identity RNN less that of the LSTM at length 50, as a share of that of a constant",
        statistic=partial(lead, 50, LSTM, IRNN),
        rule="below",
        threshold=HALF / 2,  # most of both numbers remembered; a net that lacks one of them has 0.5
        noise=NOISE,
        seeds=5,
        published="as fast as the LSTM at 150 steps, and slower but successful at 400 (arXiv:1504.00941, Fig. 2)",
        replications=("arXiv:1511.06464, Fig. 2: not beyond a constant within their budget at long lags",),
        refuted_by="an error that is larger by a quarter of that of a constant",
    ),
    archbench.Claim(
        name="forget-bias-one-is-faster",
        statement="An LSTM whose forget bias starts at 1 learns the adding problem of 50 steps in half the "
        "steps that it takes from a bias of -1.",
        source="Jozefowicz et al., ICML 2015, sec. 4; Gers et al. 2000",
        study="lag",
        effect="log2 of the steps to solve from a bias of -1 over those from 1, at length 50",
        statistic=partial(speed, 50, LSTM, LSTM_LOW),
        rule="above",
        threshold=1.0,  # smaller factors could be those of two seeds of one net
        noise=STEPS_NOISE,
        seeds=5,
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
        statistic=partial(speed, 50, LSTM, LSTM_HIGH),
        rule="below",
        threshold=0.5,  # 40 % more steps, more than those of two seeds of one net differ
        noise=STEPS_NOISE,
        seeds=5,
        refuted_by="40 % more steps or above",
    ),
    archbench.Claim(
        name="chrono-start-is-faster",
        statement="An LSTM with the chrono start learns the adding problem of 50 steps in fewer steps than from a "
        "forget bias of 1.",
        source="arXiv:1804.11188, sec. 3",
        study="lag",
        effect="log2 of the steps to solve from a bias of 1 over those from the chrono start, at length 50",
        statistic=partial(speed, 50, CHRONO, VANILLA),
        rule="above",
        threshold=0.0,
        noise=STEPS_NOISE,
        seeds=5,
        published="faster at 200 steps, and alone in solving 750 (arXiv:1804.11188, Fig. 4)",
        refuted_by="as many steps or more",
    ),
    archbench.Claim(
        name="gradient-of-a-trained-rnn-dies",
        statement="After training on 100 steps, the gradient of a tanh RNN falls by a factor of 10 or more within 50 "
        "steps back in time.",
        source="Hochreiter 1991; Bengio et al. 1994; arXiv:1211.5063, sec. 2",
        study="lag",
        effect=f"decades that the gradient gains over {SPAN} steps back in time, fitted to all lags",
        statistic=partial(gradient_kept, 100, RNN),
        rule="below",
        threshold=-1.0,  # the counterpart of what the LSTM must keep
        noise=RNN_NOISE,
        seeds=5,
        refuted_by="a smaller loss",
    ),
    archbench.Claim(
        name="gradient-of-a-trained-lstm-lives",
        statement="After training on 100 steps, the gradient of an LSTM stays within a factor of 10 over 50 steps back "
        "in time.",
        source="Hochreiter and Schmidhuber 1997, sec. 3.2 and 4: the constant error carousel",
        study="lag",
        effect=f"decades that the gradient gains over {SPAN} steps back in time, fitted to all lags",
        statistic=partial(gradient_kept, 100, LSTM),
        rule="within",
        threshold=1.0,  # an optimiser that scales its steps, as Adam does, loses nothing then
        noise=LSTM_NOISE,
        seeds=5,
        refuted_by="a gradient that falls or grows by more",
    ),
    archbench.Claim(
        name="lstm-learns-its-line",
        statement="The gradient of an LSTM whose forget bias starts at 1 fades over time before training, and training "
        "straightens its path: over 50 steps twice as much is left as before.",
        source="arXiv:1804.11188, sec. 2: a bias of 1 remembers 1/(1 - sigmoid(1)), about 4 steps",
        study="lag",
        effect=f"what training adds to the decades that the gradient gains over {SPAN} steps back in time",
        statistic=partial(gradient_learned, 100, LSTM),
        rule="above",
        threshold=0.3,  # log10 of 2
        noise=LSTM_NOISE,
        seeds=5,
        refuted_by="a path as straight before training as after it",
    ),
    archbench.Claim(
        name="rnn-loses-its-line",
        statement="An orthogonal start gives a tanh RNN a gradient that reaches back in time, and training destroys "
        "it: over 50 steps half or less of what was left before is left.",
        source="arXiv:1312.6120; arXiv:1211.5063, sec. 2",
        study="lag",
        effect=f"what training adds to the decades that the gradient gains over {SPAN} steps back in time",
        statistic=partial(gradient_learned, 100, RNN),
        rule="below",
        threshold=-0.3,  # log10 of 1/2
        noise=RNN_NOISE,
        seeds=5,
        refuted_by="a gradient that reaches as far after training as before it",
    ),
)
