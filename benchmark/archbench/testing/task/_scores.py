"""T3xx: the metric, and the declared scores of a perfect and of a constant predictor."""

from __future__ import annotations

from archbench._training._losses import TaskLoss, check_loss, is_asked
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.task._scoring import score_constant, score_perfect, score_random
from archbench.testing.task._subject import TaskSubject

TRIED = 64
"""Examples on which the loss is tried."""
STANDARD_ERRORS = 4.0
"""How far the score of a constant may be from the declared chance, in standard errors of the test split."""


def prefers_perfect(subject: TaskSubject) -> str:
    """Check that the right answers score better than random ones, and return a note with both scores."""
    perfect, noise = score_perfect(subject), score_random(subject)
    better = perfect > noise if subject.task.higher_is_better else perfect < noise
    if not better:
        raise Fault(f"{subject.task.metric} of the right answers is {perfect:.4g}, of random ones {noise:.4g}")
    return f"{perfect:.4g} against {noise:.4g}"


def oracle_score(subject: TaskSubject) -> None:
    """Check that the right answers get the score that the task declares as `oracle`."""
    perfect = score_perfect(subject)
    if abs(perfect - subject.task.oracle) > 1e-6:
        raise Fault(f"the right answers score {perfect:.6g}, oracle is {subject.task.oracle:.6g}")


def chance_score(subject: TaskSubject) -> str:
    """Check that the best constant answer gets the declared `chance`, within the sampling error.

    Returns:
        A note with the score and the declared one.
    """
    if subject.task.baseline:
        raise NotApplicable(f"chance is the score of {subject.task.baseline}, not of a constant")
    score, error = score_constant(subject)
    if abs(score - subject.task.chance) > STANDARD_ERRORS * error + 1e-6:
        raise Fault(
            f"the best constant answer scores {score:.4g} (standard error {error:.2g}), "
            f"chance is {subject.task.chance:.4g}"
        )
    return f"{score:.4g}, declared {subject.task.chance:.4g}"


def declares_margin(subject: TaskSubject) -> None:
    """Check that the task says which difference of scores is worth a decision."""
    if subject.task.margin is None:
        raise Fault(f"margin is not declared, so no two entrants can be called equivalent in {subject.task.metric}")


def learnable_loss(subject: TaskSubject) -> None:
    """Check that the loss of random outputs is finite and has a gradient."""
    targets = subject.tensors["train"].targets
    asked = is_asked(targets).flatten(1).any(1) if targets.dim() > 1 else is_asked(targets)
    check_loss(TaskLoss(subject.task, subject.info), targets[asked][:TRIED].clone(), f"task {subject.task.name!r}")


CHECKS = (
    Check(
        "T301",
        "the metric prefers right answers to random ones",
        prefers_perfect,
        "loss and metric do not fit the targets: accuracy needs labels, mean_squared_error needs numbers",
        ("T103",),
    ),
    Check(
        "T302",
        "a perfect predictor gets the declared score",
        oracle_score,
        "oracle is what the trial's own metric gives to the right answers: 1, or 0 for errors and bits",
        ("T301",),
    ),
    Check(
        "T303",
        "the best constant predictor gets the declared score",
        chance_score,
        "chance is the share of the most frequent class, the variance of the targets, or the entropy of the labels",
        ("T301",),
    ),
    Check(
        "T304",
        "says which difference of scores matters",
        declares_margin,
        "declare margin, the smallest difference worth a decision, in the unit of the metric",
        level="warning",
    ),
    Check(
        "T305",
        "the loss of random outputs is finite and has a gradient",
        learnable_loss,
        "compute the loss with torch from what the network returned, as a mean; look for log(0), detach() and argmax()",
        ("T103",),
    ),
)
