"""Quayside's own backends, registered through the same entry point as anyone's."""
