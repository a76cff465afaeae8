"""Noise models: which channels stand beside which instructions.

Takes Aer's ``NoiseModel`` or its dictionary, a device's ``Target``, or channels of Qiskit. Gives
mixtures for programs, and of each instruction the errors that come with it. Read ``model.py``
first; :mod:`simquay.noise.channels` makes mixtures of channels.
"""
