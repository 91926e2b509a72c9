"""Detection: how much of what is labelled is found, by fastdrift and by others, and what healthy rows cost."""

from benchmarks.detection.sets import entities

__all__ = ["entities"]
