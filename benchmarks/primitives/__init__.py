"""The primitives: energies and samples of circuits at many points."""
