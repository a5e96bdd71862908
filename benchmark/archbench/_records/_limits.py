"""The most that a record keeps of predictions, of an example and of a traceback, so that it stays small."""

MOST_CLASSES = 100
"""Most classes of a confusion matrix, which has their square of numbers."""

MOST_WRONG = 100
"""Most wrongly classified examples that are named."""

MOST_CHANNELS, MOST_PIXELS = 3, 32
"""Most channels of an image, and most pixels of a side."""

MOST_STEPS, MOST_FEATURES = 200, 4
"""Most steps of a sequence or tokens of a text, and most features of a step."""

MOST_DETAIL = 30_000
"""Most characters of a traceback."""
