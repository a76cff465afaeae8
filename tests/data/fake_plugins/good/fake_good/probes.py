"""A probe that says yes and one that says no."""

from simquay.plugin import Available, Unavailable


def yes() -> Available:
    return Available({"cores": 3})


def no() -> Unavailable:
    return Unavailable("no such device is plugged in.")
