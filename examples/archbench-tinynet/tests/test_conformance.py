"""What the suite asks of every architecture, one test per check."""

from archbench.testing import parametrize_conformance


@parametrize_conformance("tinynet")
def test_conformance(conformance):
    """TinyNet keeps its promises."""
    conformance()
