def take_out(states, mask):
    """One row per token that is no padding."""
    return states[mask.bool()]


def put_back(rows, mask):
    states = rows.new_zeros((*mask.shape, rows.shape[-1]))
    states[mask.bool()] = rows
    return states
