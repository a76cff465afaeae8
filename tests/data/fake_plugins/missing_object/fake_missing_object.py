"""A module without the object that the entry point names."""
