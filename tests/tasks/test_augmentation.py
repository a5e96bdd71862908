"""Batched augmentation, compared with augmenting one image at a time."""

from __future__ import annotations

import pytest
import torch

from archbench_tasks._augmentation import crop_and_flip, flip


def one_by_one(images: torch.Tensor, seed: int) -> torch.Tensor:
    """Pad, crop and mirror images in a loop, with the random numbers of the batched version."""
    draw = torch.Generator().manual_seed(seed)
    count, channels, height, width = images.shape
    offsets = torch.randint(9, (2, count, 1), generator=draw)
    mirrored = torch.randint(2, (count, 1), generator=draw, dtype=torch.bool)
    done = []
    for number, image in enumerate(images):
        padded = torch.zeros(channels, height + 8, width + 8)
        padded[:, 4:-4, 4:-4] = image
        top, left = int(offsets[0, number]), int(offsets[1, number])
        cut = padded[:, top : top + height, left : left + width]
        done.append(cut.flip(-1) if mirrored[number] else cut)
    return torch.stack(done)


@pytest.mark.parametrize("shape", [(64, 3, 32, 32), (5, 1, 12, 16)])
def test_crop_and_flip(shape: tuple[int, ...]) -> None:
    """A batch is augmented like padding, cropping and mirroring each image, and the input is not changed."""
    images = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    before = images.clone()

    assert torch.equal(crop_and_flip(images, torch.Generator().manual_seed(7)), one_by_one(images, 7))
    assert torch.equal(images, before)


def test_all_crops_occur() -> None:
    """Every offset from 0 to 8 and both directions are drawn about equally often."""
    images = torch.zeros(8100, 1, 9, 9)
    images[:, :, 4, 4] = 1.0  # in the middle: stays inside whatever the offset, and a mirror does not move it
    images[:, :, 4, 5] = 0.5
    moved = crop_and_flip(images, torch.Generator().manual_seed(0))
    places = (moved == 1).flatten(1).float().argmax(1)

    assert len(places.unique()) == 81
    assert places.bincount().float().std() < 3 * 100**0.5


def test_flip() -> None:
    """About half of the images are mirrored; the others are unchanged."""
    images = torch.randn(1000, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    flipped = flip(images, torch.Generator().manual_seed(0))
    same = (flipped == images).flatten(1).all(1)

    assert torch.equal(flipped[~same], images[~same].flip(-1))
    assert 400 < int(same.sum()) < 600


def test_other_seed_other_batch_global_state_irrelevant() -> None:
    """Batches depend on the generator alone; the global random stream is neither used nor moved."""
    images = torch.randn(16, 3, 8, 8)
    state = torch.get_rng_state()
    first = crop_and_flip(images, torch.Generator().manual_seed(0))
    torch.manual_seed(5)
    again = crop_and_flip(images, torch.Generator().manual_seed(0))
    other = crop_and_flip(images, torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    fresh = torch.get_rng_state()
    torch.manual_seed(5)
    crop_and_flip(images, torch.Generator().manual_seed(0))

    assert torch.equal(torch.get_rng_state(), fresh)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.set_rng_state(state)
