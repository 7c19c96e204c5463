"""Count calls and amounts of this process by names, for the metrics."""

from collections import Counter
from typing import Final

# Counts by the name of the metric and its labels, since they were stored last (`stored_counts.py`).
FIGURES: Final = Counter[tuple[str, ...]]()


def count(metric: str, *labels: str, by: int = 1) -> None:
    """Add to a figure. The labels come from the code, never from clients: each combination is kept for ever."""
    FIGURES[metric, *labels] += by
