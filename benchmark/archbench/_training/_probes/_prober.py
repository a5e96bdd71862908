"""`Prober`: takes the measurements of a trial at their moments, and leaves no trace in its network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from archbench._declarations import TaskInfo
from archbench._protocols import Probe, Probes
from archbench._records import Reading, printable
from archbench._training._probes._correlation import correlations
from archbench._training._probes._gradients import gradient_of_blocks, gradient_of_layers, gradient_of_steps
from archbench._training._probes._lesions import scores_of_lesions, scores_of_swaps
from archbench._training._probes._lines import openings, strengths
from archbench._training._probes._outputs import activations, effective_ranks
from archbench._training._probes._paths import contributions_of_paths
from archbench._training._probes._reuse import weights_of_sources
from archbench._training._probes._specimen import (
    CannotMeasureError,
    Specimen,
    Values,
    copy_network,
    fixed_batch,
    random_streams_kept,
)
from archbench._training._probes._weights import norms, weights_of
from archbench._training._splits import Split

MEASURES: dict[Probe, Callable[[Specimen], Values]] = {
    "gradient": gradient_of_layers,
    "time-gradient": gradient_of_steps,
    "block-gradient": gradient_of_blocks,
    "activation": activations,
    "rank": effective_ranks,
    "correlation": correlations,
    "gate": openings,
    "strength": strengths,
    "reuse": weights_of_sources,
    "lesion": scores_of_lesions,
    "swap": scores_of_swaps,
    "paths": contributions_of_paths,
}

AT_THE_END: tuple[Probe, ...] = ("lesion", "swap", "paths")
"""Probes that are measured after the last step only."""


class Prober:
    """The probes of one trial.

    Args:
        probes: what to measure and when.
        network: the network under training.
        loss: the training loss of outputs and targets.
        split: the training split.
        info: shapes and kinds of the data.
        ends: steps done at each validation; empty for a budget in seconds.
        seed: of all draws.
        score: the test score of a network.
        evaluated: lets the network have the weights that are evaluated meanwhile, which may be an average.

    Attributes:
        readings: of the measurements so far.
        weights: those that are to be kept, by the step after which the network had them.
    """

    def __init__(
        self,
        probes: Probes,
        *,
        network: nn.Module,
        loss: Callable[[Any, Tensor], Tensor],
        split: Split,
        info: TaskInfo,
        ends: Sequence[int],
        seed: int,
        score: Callable[[nn.Module], float],
        evaluated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.probes, self.network, self.loss, self.info, self.seed = probes, network, loss, info, seed
        self.score, self.evaluated = score, evaluated
        self.arguments, self.targets = fixed_batch(split, probes.examples)
        self.moments, self.reached = moments(probes.at, ends), -1
        self.readings: list[Reading] = []
        self.weights: dict[int, dict[str, Tensor]] = {}

    def before(self) -> None:
        """Measure before the first step, if the probes ask for it."""
        if 0 in self.probes.at:
            self._measure_now(0)

    def after(self, step: int) -> None:
        """Measure after the validation at a step, if the probes ask for it."""
        if step in self.moments:
            self._measure_now(step)

    def finish(self, step: int) -> None:
        """Measure after the last step."""
        if 1 in self.probes.at and self.reached != step:  # training may have ended early
            self._measure_now(step)
        self._measure(step, [probe for probe in self.probes.measure if probe in AT_THE_END])

    def _measure_now(self, step: int) -> None:
        self.reached = step
        self._measure(step, [probe for probe in self.probes.measure if probe not in AT_THE_END])

    def _measure(self, step: int, probes: Sequence[Probe]) -> None:
        for probe in probes:
            with random_streams_kept(self.targets.device, self.seed):
                self.readings.append(self._reading(probe, step))

    def _reading(self, probe: Probe, step: int) -> Reading:
        try:
            values = self._keep(step) if probe == "weights" else MEASURES[probe](self._specimen())
        except CannotMeasureError as reason:
            return Reading(probe=probe, step=step, note=printable(str(reason)))
        except Exception as error:  # a measurement that fails must not end a training
            return Reading(probe=probe, step=step, note=printable(f"{type(error).__name__}: {error}"))
        return Reading(probe=probe, step=step, names=values.names, values=values.values)

    def _keep(self, step: int) -> Values:
        with self.evaluated():
            self.weights[step] = weights_of(self.network)
        return norms(self.weights[step])

    def _specimen(self) -> Specimen:
        arguments = tuple(argument.clone() for argument in self.arguments)
        return Specimen(
            network=copy_network(self.network),
            arguments=arguments,
            targets=self.targets,
            loss=self.loss,
            info=self.info,
            seed=self.seed,
            score=self.score,
        )


def moments(at: Sequence[float], ends: Sequence[int]) -> set[int]:
    """Return the steps after which to measure, those before the first step left out.

    Args:
        at: shares of the steps.
        ends: steps done at each validation, the last one after the last step.
    """
    return {min(ends, key=lambda end: abs(end - share * ends[-1])) for share in at if ends and share}
