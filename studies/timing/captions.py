"""What stands above the tables of the study of speed, and what their columns are called."""

from gansim.benchmarking import speed
from timing.costs import GANS
from timing.methods import WITHIN

CAPTIONS = {
    "ratios": "GAN-steps a second, the best round of each, and gansim's as multiples: of the best rounds, and the "
    "lowest and the highest of any round. JAX: one process, vmap over 1,024 GANs; JAX, tuned: the number of GANs at "
    "once that suits it, one process per core; PyTorch: eager, one GAN at a time, one process per core (these two are "
    "measured on one core and multiplied). The networks with data in two dimensions are trained only: no records. "
    "Targets were set before measuring, on a processor with AVX-512. Share of the peak: of what a core could multiply "
    "and add, by gansim.",
    "peak": "One core: flops of the matrix products alone over the time of everything, and the peak that a loop of "
    "multiply-adds in registers reaches in the same process; the best round of each, and the lowest and the "
    "highest share of any round.",
    "accounting": f"A step of a bundle ({speed.BUNDLE} GANs) on one core, microseconds. products: at the measured "
    "peak, which nothing can undercut; random numbers, activations (forward), updates: each by itself, as many as a "
    "step needs; left: what the step takes beyond their sum (loads and stores, losses, derivatives, products below the "
    "peak), less than 0 where parts overlap; records: on top, one every 250 steps. KiB: of parameters and gradients, "
    "for updates also their state.",
    "methods": f"A step of a bundle ({speed.BUNDLE} GANs) on one core, 1-16-1 networks with leaky ReLU that learn N(0, "
    "1), µs at best, and as a multiple of the plain step: the median of ratios of two short timings, one after the "
    "other, and the lowest and the highest. Flops: of the products that a method's formulas ask for, as a multiple of "
    f"the plain step's; the target is a time within {WITHIN} of that. GAN-steps a second: of the whole engine and of "
    f"JAX, vmap over {GANS:,} GANs, on all cores, the best round of each; their ratio, the lowest and the highest of "
    "any round. JAX, tuned: D's gradient by its input written for speed. Targets, of JAX as one would write it first, "
    "were set before measuring.",
    "scaling": "GAN-steps a second of the whole engine, 1-w-1 networks with leaky ReLU, one thing varied at a time; "
    "all points in turn, the best round of each and the lowest.",
    "startup": "Seconds, the best of several and the highest. Compiling: by two processes if there are two cores. A "
    "process: start, import, load from disk, train 16 GANs for 250 steps, record.",
}

NAMES = {
    "jax": "JAX",
    "jax_tuned": "JAX, tuned",
    "torch": "PyTorch",
    "over_jax": "times JAX [lowest, highest]",
    "over_jax_tuned": "times JAX, tuned [lowest, highest]",
    "over_torch": "times PyTorch [lowest, highest]",
    "target_jax": "target, times JAX",
    "target_torch": "target, times PyTorch",
    "share_of_peak": "share of the peak",
    "flops_per_step": "flops a step",
    "gan_steps_per_second": "GAN-steps a second",
    "gflops": "Gflop/s",
    "peak_gflops": "peak, Gflop/s",
    "kib": "KiB",
    "us": "µs",
    "count": "how many",
    "ratio": "times the plain step [lowest, highest]",
    "flops": "times its flops",
    "over_flops": "time over flops",
    "within": f"within {WITHIN}",
}
