"""Noisy circuits, side by side with other simulators."""
