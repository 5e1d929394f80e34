"""Files that are no longer what was written."""

import numpy as np

KINDS = ("cut", "flip a bit", "flip a byte", "zero a block", "grow", "empty")


def damaged(kind: str, content: bytes, rng: np.random.Generator) -> bytes:
    """Return other bytes than those given, which are at least one."""
    bytes_ = bytearray(content)
    where = int(rng.integers(len(bytes_)))
    if kind == "cut":
        bytes_ = bytes_[:where]
    elif kind == "flip a bit":
        bytes_[where] ^= 1 << int(rng.integers(8))
    elif kind == "flip a byte":
        bytes_[where] ^= int(rng.integers(1, 256))
    elif kind == "zero a block":  # from a byte on that is not zero
        where = next(place for place in range(where, -1, -1) if bytes_[place])
        bytes_[where : where + 512] = bytes(len(bytes_[where : where + 512]))
    elif kind == "grow":
        bytes_ += rng.bytes(int(rng.integers(1, 9)))
    else:
        bytes_.clear()
    return bytes(bytes_)
