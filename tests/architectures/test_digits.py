"""Every image architecture learns the digits under the recipe of the quick protocol, in its default form."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from archbench import Outputs
from archbench._protocols import find_protocol
from archbench._training._order import BatchOrder
from archbench._training._schedule import learning_rates
from archbench_tasks.digits import archbench_tasks, load_images

QUICK = find_protocol("quick")
IMAGE_NETS = (
    *("mlp", "residual-mlp", "highway"),
    *("plain", "resnet", "stochastic-depth", "wide-resnet", "rezero", "fixup", "densenet"),
    *("lenet", "alexnet", "nin", "vgg", "googlenet", "convnext", "vit"),
)
SLOWEST = "vit"
"""The net that needs all steps of the quick protocol; half of them are enough for any other."""


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGE_NETS)
def test_default_form_learns_the_digits(build, name):
    """Nine of ten test images are right after at most the steps of quick; score and seconds are printed."""
    splits, task = load_images(None, 0), next(iter(archbench_tasks()))
    inputs, targets = torch.from_numpy(splits.train.inputs), torch.from_numpy(splits.train.targets)
    network = build(name, task.describe(None))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=QUICK.recipe.weight_decay)
    steps = QUICK.steps["image"] if name == SLOWEST else QUICK.steps["image"] // 2
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.process_time()
    (order,) = BatchOrder(len(inputs), QUICK.batch_size, steps=steps, chunks=1, seed=0)
    for index, rate in zip(order, learning_rates(QUICK.recipe, steps), strict=True):
        outputs = network(inputs[index])
        outputs = outputs if isinstance(outputs, Outputs) else Outputs(outputs)
        loss = cross_entropy(outputs.logits, targets[index])
        for logits, weight in outputs.auxiliary.values():
            loss = loss + weight * cross_entropy(logits, targets[index])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), QUICK.recipe.clip_norm)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    seconds = time.process_time() - start
    torch.set_num_threads(threads)
    with torch.no_grad():
        predicted = network.eval()(torch.from_numpy(splits.test.inputs)).argmax(1).numpy()
    accuracy = float(np.mean(predicted == splits.test.targets))
    print(f"{name}: {accuracy:.3f} in {seconds:.1f} s")

    assert accuracy > 0.9
