"""Packs: samples that D sees side by side (PacGAN, Lin et al. 2018), where they lie, and what passes between G and D.

D's inputs are the coordinates of its pack's first sample, then those of the second ... Packs are made eight at a time,
an octet: the next 8 m samples of the batch lie as m octets, one after the other, and the octet of packs takes its
first samples from the first of them, its second samples from the second ... So both players read whole tiles where they
lie, nothing is copied, and G's sums over samples go octet by octet, whatever T and the block are. The last octet may
have c < 8 packs: their first samples are the next c of the batch, their second ones the next c ...; `spread_out` moves
them to where a whole octet's would be.

``packing`` is None where a pack is one sample: then nothing of this is compiled.
"""

from typing import Any

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanes import OCTET, T, Tiles, rows, tiles
from gansim.kernels.networks.player import Player, copy_units, output_unit


@kernel
def many(n: int, packing: Any) -> int:
    """How many samples, or tiles of them, n packs, or tiles of them, take."""
    if packing is None:
        return n
    samples: int = n * packing
    return samples


@kernel
def fewer(n: int, packing: Any) -> int:
    """How many coordinates of each sample there are among n of packs."""
    if packing is None:
        return n
    each: int = n // packing
    return each


@kernel
def seat(t: int, j: int, packing: int) -> int:
    """Which tile of samples holds the j-th ones of tile t of packs."""
    each = OCTET // T
    return (t // each * packing + j) * each + t % each


@kernel
def spread_out(batch: Any, coordinates: int, packs: int, packing: Any) -> None:
    """The samples of the last packs, fewer than eight, go to their places; past the end stands the last pack again."""
    if packing is not None:
        last = packs % OCTET
        if last > 0:
            samples, each = rows(batch), batch.shape[0] // coordinates
            for k in range(coordinates):
                start = k * each + (packs - last) * packing
                for back in range(packing * OCTET):  # from the last: no sample is overwritten before it has moved
                    place = packing * OCTET - 1 - back
                    samples[start + place] = samples[start + place // OCTET * last + min(place % OCTET, last - 1)]


@kernel
def take_inputs(batch: Any, inputs: int, units: int, first: int, n: int, h: Tiles) -> None:
    """Tiles ``first`` ... ``first + n - 1`` of a batch, coordinate by coordinate, become the inputs of a network."""
    samples, each = tiles(batch), batch.shape[0] // T // inputs
    for t in range(n):
        for k in range(inputs):
            h[t * units + k] = samples[k * each + first + t]


@kernel
def place(first: int, t: int, i: int, coordinates: int, each: int, packing: Any) -> int:
    """Which tile of a batch, of so many coordinates ``each`` tiles apart, is D's input i in tile ``first + t``."""
    if packing is None:
        return i * each + first + t
    found: int = i % coordinates * each + first * packing + seat(t, i // coordinates, packing)
    return found


@kernel
def take_packs(d: Player, batch: Any, first: int, n: int, packing: Any) -> None:
    """Samples of a batch become D's inputs, tiles ``first`` ... of packs."""
    if packing is None:
        take_inputs(batch, d.sizes.inputs, d.sizes.units, first, n, d.h)
    else:
        samples, coordinates = tiles(batch), d.sizes.inputs // packing
        each = batch.shape[0] // T // coordinates
        for t in range(n):
            for i in range(d.sizes.inputs):
                d.h[t * d.sizes.units + i] = samples[place(first, t, i, coordinates, each, packing)]


@kernel
def take_noises(g: Player, batch: Any, first: int, n: int, packing: Any) -> None:
    """Noise becomes G's inputs, for tiles ``first`` ... of packs."""
    take_inputs(batch, g.sizes.inputs, g.sizes.units, many(first, packing), many(n, packing), g.h)


@kernel
def to_inputs(g: Player, d: Player, of_g: Tiles, of_d: Tiles, n: int, packing: Any) -> None:
    """What stands at G's outputs goes to D's inputs, for n tiles of packs."""
    if packing is None:
        for t in range(n):
            copy_units(of_g, t * g.sizes.units + output_unit(g), of_d, t * d.sizes.units, g.sizes.outputs)
    else:
        for t in range(n):
            for j in range(packing):
                out = seat(t, j, packing) * g.sizes.units + output_unit(g)
                copy_units(of_g, out, of_d, t * d.sizes.units + j * g.sizes.outputs, g.sizes.outputs)


@kernel
def to_outputs(g: Player, d: Player, of_d: Tiles, of_g: Tiles, n: int, packing: Any) -> None:
    """What stands at D's inputs goes to G's outputs, for n tiles of packs."""
    if packing is None:
        for t in range(n):
            copy_units(of_d, t * d.sizes.units, of_g, t * g.sizes.units + output_unit(g), g.sizes.outputs)
    else:
        for t in range(n):
            for j in range(packing):
                out = seat(t, j, packing) * g.sizes.units + output_unit(g)
                copy_units(of_d, t * d.sizes.units + j * g.sizes.outputs, of_g, out, g.sizes.outputs)
