"""Errors that a user can act on.

A message says what was given (file and line), what was expected and what to do. On the command line it
becomes one line on stderr and exit code 2 (see `grover_probe.command`).
"""


class GroverProbeError(Exception):
    """Base of every error that grover_probe raises on purpose."""


class InputError(GroverProbeError):
    """A file, region or option that cannot be used as given."""


class DataError(GroverProbeError):
    """A resource of a manifest that could not be fetched, verified or found offline."""


class MissingDependencyError(GroverProbeError):
    """An optional package or program that this step needs is not installed."""
