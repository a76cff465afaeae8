"""Engines on the CPU, and the planner."""
