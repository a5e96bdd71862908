"""The checks that the suite makes of every architecture, one test each."""

from archbench.testing import parametrize_conformance


@parametrize_conformance("tinynet")
def test_conformance(conformance):
    """TinyNet keeps its promises."""
    conformance()
