"""Everything that can be asked of the metrics is documented."""

from pathlib import Path

from tallystick.schemas.metric import Dimension, Measure, View


def test_the_page_of_metrics_names_every_measure_dimension_and_view(root: Path) -> None:
    """docs/metrics.md has each by the name that the API knows it by."""
    page = (root / "docs/metrics.md").read_text()
    missing = [name for name in (*Measure, *Dimension, *View) if f"`{name}`" not in page]

    assert missing == []
