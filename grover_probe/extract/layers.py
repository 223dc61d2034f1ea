"""Layers by number or name."""

import re

from grover_probe.errors import InputError

_NAMES = {"embedding": 0, "embeddings": 0, "last": -1}
_RANGE = re.compile(r"(\d{1,4})-(\d{1,4})")
_NUMBER = re.compile(r"-?\d{1,4}")


def parse_layers(text: str | None, n_layers: int, option: str = "--layers") -> tuple[int, ...]:
    """Layers from a text such as ``embedding,2-4,last``.

    Parameters
    ----------
    text
        Numbers (0 is the embedding output, -1 the last layer), ranges and the names ``embedding`` and ``last``, with
        commas between them; all layers when None.
    n_layers
        Layers of the model, the embedding output counted.
    option
        For the message.

    Returns
    -------
    tuple of int
        Sorted, none twice.

    Raises
    ------
    InputError
        When the text is something else or the model has no such layer.
    """
    if text is None:
        return tuple(range(n_layers))
    found: set[int] = set()
    for part in (part.strip() for part in text.split(",")):
        between = _RANGE.fullmatch(part)
        if between:
            numbers = list(range(int(between[1]), int(between[2]) + 1))
        elif part in _NAMES or _NUMBER.fullmatch(part):
            numbers = [_NAMES[part] if part in _NAMES else int(part)]
        else:
            numbers = []
        if not numbers:
            raise InputError(f"{option} {text!r}: expected numbers, ranges or names such as 0,2-4, embedding or last")
        for number in numbers:
            if not -n_layers <= number < n_layers:
                raise InputError(f"{option} {text!r}: the model has layers 0 (embedding) to {n_layers - 1} (last)")
            found.add(number % n_layers)
    return tuple(sorted(found))
