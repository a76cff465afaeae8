"""Outcomes of joint measurements, drawn for many shots.

Takes an engine's state, qubits, and a seed with the numbers of circuit and shots. Gives an outcome
for each shot. Read ``sampler.py`` first; ``randomness.py`` gives the draws.
"""
