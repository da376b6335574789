"""Tether in the sandbox: the stack, the run that shows it, and the figures in the README."""
