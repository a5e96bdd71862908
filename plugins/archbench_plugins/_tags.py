"""The words by which the built-in architectures are grouped. A plugin of yours may use these, or others."""

from __future__ import annotations

from collections.abc import Mapping

TAGS: Mapping[str, str] = {
    "fully-connected": "each layer sees all of the layer before it",
    "convolutional": "kernels slide over the image, or over the past",
    "recurrent": "a state is computed step after step",
    "linear-recurrence": "the state is a linear function of the one before, so that all steps are one scan",
    "attention": "steps, or patches, look at one another",
    "residual": "layers add to an input that passes unchanged",
    "gated": "learned gates decide what passes and what is kept",
    "dense": "layers see the outputs of all layers before them",
    "constant-error": "memory that adds up and never decays",
    "auxiliary": "further classifiers help to train, and are dropped after it",
    "random-depth": "layers are left out at random in training",
    "unnormalised": "a deep net that does without batch normalisation, where its relatives need it",
    "control": "has no straight path: what others are compared with",
}
