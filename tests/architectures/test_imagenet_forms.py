"""The ImageNet forms that torchvision builds: they are torchvision's nets, also for images that are not RGB."""

from __future__ import annotations

import pytest
import torch
import torchvision.models

from archbench import TaskInfo

FORMS = [
    ("resnet", "resnet-18", "resnet18"),
    ("resnet", "resnet-50", "resnet50"),
    ("wide-resnet", "wide-resnet-50-2", "wide_resnet50_2"),
    ("densenet", "densenet-121", "densenet121"),
    ("alexnet", "alexnet-imagenet", "alexnet"),
]
forms = pytest.mark.parametrize(("name", "variant", "model"), FORMS, ids=[variant for _, variant, _ in FORMS])


@forms
def test_form_is_torchvisions(build, name, variant, model):
    """An ImageNet variant takes torchvision's weights name by name and computes its logits."""
    task = TaskInfo(kind="image", input_shape=(3, 64, 64), outputs=1000)
    reference = torchvision.models.get_model(model)
    with torch.device("meta"):
        network = build(name, task, variant=variant)
    network.load_state_dict(reference.state_dict(), assign=True)
    x = torch.randn(2, 3, 64, 64)

    torch.testing.assert_close(network.eval()(x), reference.eval()(x), atol=1e-5, rtol=1e-5)


@forms
def test_first_convolution_follows_the_channels(build, name, variant, model):
    """For grey images only the shape of the first convolution differs."""
    grey, colour = (TaskInfo(kind="image", input_shape=(channels, 64, 64), outputs=5) for channels in (1, 3))
    with torch.device("meta"):
        shapes = [[p.shape for p in build(name, task, variant=variant).parameters()] for task in (grey, colour)]
    different = [pair for pair in zip(*shapes, strict=True) if pair[0] != pair[1]]

    assert [(one[1], three[1]) for one, three in different] == [(1, 3)]
