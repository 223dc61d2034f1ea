"""The diagnostics as their definitions say, one sequence at a time, with sets."""

from grover_probe.genome import decode_bases, encode_bases

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def tokens(tokenizer, text, offset=0):
    """(start, end, id) of each token."""
    found = tokenizer.encode(encode_bases(text))
    starts = found.starts.tolist()
    return [
        (offset + start, offset + start + int(tokenizer.lengths[token_id]), int(token_id))
        for start, token_id in zip(starts, found.ids.tolist(), strict=True)
    ]


def edges(tokenizer, text, offset=0):
    """All boundaries, those at the ends of the text included."""
    return {edge for start, end, _ in tokens(tokenizer, text, offset) for edge in (start, end)}


def jaccard(pairs):
    """Pooled over pairs of sets."""
    shared = sum(len(a & b) for a, b in pairs)
    return shared / sum(len(a | b) for a, b in pairs)


def settle(a, b, first, stop):
    """Bases from `first` to the first shared boundary from which on both sets are the same."""
    for place in range(first, stop + 1):
        if place in a and place in b and all((p in a) == (p in b) for p in range(place, stop + 1)):
            return place - first
    return float("inf")


def shift(tokenizer, row, by, length):
    """Pair of boundary sets inside the overlap, and bases until they agree."""
    text = decode_bases(row)
    inside = range(by + 1, length)
    here, moved = edges(tokenizer, text[:length]), edges(tokenizer, text[by : by + length], by)
    whole, late = edges(tokenizer, text), edges(tokenizer, text[by:], by)
    stop = len(text) - int(tokenizer.lengths.max())
    return (here & set(inside), moved & set(inside)), settle(whole, late, by, stop)


def cut(tokenizer, row, first, length):
    """Bases until agreement from the left and from the right cut."""
    text = decode_bases(row)
    whole = edges(tokenizer, text)
    alone = edges(tokenizer, text[first : first + length], first)
    middle = first + length // 2
    mirror = lambda places: {-place for place in places}  # noqa: E731
    return (
        settle(whole, alone, first, middle),
        settle(mirror(whole), mirror(alone), -(first + length), -middle),
    )


def reverse_complement(tokenizer, row, length):
    """Pair of boundary sets."""
    text = decode_bases(row[:length])
    other = edges(tokenizer, text.translate(COMPLEMENT)[::-1])
    inside = set(range(1, length))
    return edges(tokenizer, text) & inside, {length - edge for edge in other} & inside


def substitution(tokenizer, row, where, by):
    """Tokens and bases that change, and the bases from the first to the last."""
    text = decode_bases(row)
    new = "ACGT"[("ACGT".index(text[where]) + by) % 4]
    after = set(tokens(tokenizer, text[:where] + new + text[where + 1 :]))
    gone = [token for token in tokens(tokenizer, text) if token not in after]
    return len(gone), sum(end - start for start, end, _ in gone), gone[-1][1] - gone[0][0]


def longest_match(pieces, text):
    """Starts of tokens by longest match."""
    starts, place = [], 0
    longest = max(map(len, pieces))
    while place < len(text):
        starts.append(place)
        place += next(n for n in range(longest, 0, -1) if text[place : place + n] in pieces and place + n <= len(text))
    return starts
