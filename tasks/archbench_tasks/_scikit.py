"""scikit-learn as tasks use it. The server of trials imports this once, and no trial waits for it."""

from sklearn.datasets import load_digits as load_digits
from sklearn.model_selection import train_test_split as train_test_split
from sklearn.utils import check_array

# The first array that it checks lets it look for kinds of data frames in the metadata of all installed distributions.
check_array([[0.0]])
