"""Small sample files for `benchmark data sample`: flowers, walks and notes. Nobody was photographed or measured.

Each function writes the same bytes every time. What it draws can be learnt in seconds, and not perfectly.
"""

from __future__ import annotations

from pathlib import Path

FLOWERS = {"daisy": 9, "rose": 3, "tulip": 6}
"""Petals of each flower."""
EACH = 24
SIDE = 32

WALKERS = {"ann": 0.9, "ben": 1.3, "eva": 1.7}
"""Steps for each row of a walk."""
WALKS = 24

NOTES = 400
WHO = ("the heron", "a gardener", "my neighbour", "the old dog", "a child")
DID = ("crossed", "watched", "drew", "swept", "found")
WHAT = ("the river", "a quiet street", "the garden", "a red kite", "the market")
WHEN = ("at dawn", "before lunch", "in the rain", "late at night")


def images(folder: Path) -> str:
    """Write a folder of flowers for each kind: petals around a centre, on a noisy lawn."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    for name, petals in FLOWERS.items():
        (folder / name).mkdir()
        for number in range(EACH):
            down, right, turn, size = draw.uniform((-4, -4, 0, 8), (4, 4, 6.3, 12))
            angle = np.arctan2(y - down, x - right)
            edge = size * (0.7 + 0.3 * np.cos(petals * angle + turn))
            pixels = draw.normal((60, 120, 50), 25, (SIDE, SIDE, 3))
            pixels[np.hypot(y - down, x - right) < edge] = draw.uniform(120, 255, 3)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    return ""


def sequences(folder: Path) -> str:
    """Write a csv of walks, in which each person has a rhythm."""
    import numpy as np

    draw = np.random.default_rng(0)
    lines = ["walk,speed,sway,person"]
    for walk in range(WALKS * len(WALKERS)):
        person = list(WALKERS)[walk % len(WALKERS)]
        rows = int(draw.integers(20, 40))
        rhythm = WALKERS[person] * np.arange(rows) + draw.uniform(0, 6.3)
        speed = 1.2 + 0.3 * np.sin(rhythm) + draw.normal(0, 0.15, rows)
        sway = np.cos(rhythm / 2) + draw.normal(0, 0.5, rows)
        lines += [f"{walk},{a:.3f},{b:.3f},{person}" for a, b in zip(speed, sway, strict=True)]
    (folder / "walks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "walks.csv[id=walk,label=person]"


def text(folder: Path) -> str:
    """Write a text of short sentences."""
    import numpy as np

    draw = np.random.default_rng(0)
    parts = [[str(words[k]) for k in draw.integers(len(words), size=NOTES)] for words in (WHO, DID, WHAT, WHEN)]
    sentences = [f"{' '.join(words).capitalize()}." for words in zip(*parts, strict=True)]
    (folder / "notes.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
    return "notes.txt"
