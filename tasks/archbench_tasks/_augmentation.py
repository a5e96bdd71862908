"""Augmentation of whole batches. Only trials that augment import this module, so it may import torch at the top.

The random numbers, a few per image, come from a generator on the CPU and are moved to the device of the images, so that
a batch is the same on any device.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

PADDING = 4


def crop_and_flip(images: Tensor, generator: Generator) -> Tensor:
    """Return a random crop of each padded image, mirrored every other time (He et al., arXiv:1512.03385, sec. 4.2).

    Args:
        images: (B, C, H, W), scaled; the 4 pixels of padding on each side are 0, which is the mean colour, as in the
            paper, where the mean was subtracted before.
        generator: on the CPU; gives two offsets from 0 to 8 and a coin for each image.
    """
    count, _, height, width = images.shape
    offsets = torch.randint(2 * PADDING + 1, (2, count, 1), generator=generator)
    mirrored = torch.randint(2, (count, 1), generator=generator, dtype=torch.bool)
    columns = torch.arange(width).expand(count, width)
    columns = torch.where(mirrored, width - 1 - columns, columns) + offsets[1]  # (B, W)
    rows = torch.arange(height) + offsets[0]  # (B, H)
    return _take(pad(images, (PADDING,) * 4), rows, columns)


def flip(images: Tensor, generator: Generator) -> Tensor:
    """Return images (B, C, H, W), about every other one mirrored from left to right."""
    mirrored = torch.randint(2, (len(images), 1, 1, 1), generator=generator, dtype=torch.bool)
    return torch.where(mirrored.to(images.device), images.flip(-1), images)


def _take(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels (B, C, H', W') at these rows (B, H') and columns (B, W') of each image, by one indexing."""
    count, channels = images.shape[:2]
    image = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    row = rows.to(images.device)[:, None, :, None]
    column = columns.to(images.device)[:, None, None, :]
    return images[image, channel, row, column]
