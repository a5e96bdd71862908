"""scikit-learn as tasks use it. The server of trials imports this once, and no trial waits for it."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split as train_test_split

IMAGES, LABELS = load_digits(return_X_y=True)
"""The 1,797 handwritten digits: pixels from 0 to 16, (1797, 64), and classes, (1797,)."""

# The first split looks for kinds of data frames in the metadata of all installed distributions.
train_test_split(LABELS, random_state=0, stratify=LABELS)
