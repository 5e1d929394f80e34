"""Yardstick of the methods: the GANs of jax_vmap.py with a penalty on D, extragradient steps or an unrolled D, in JAX.

    python studies/peers/jax_methods.py --method r1 --generator 1-16-1 --discriminator 1-16-1 --gans 1024

One step is that of jax_vmap.py on data N(0, 1), and what the method asks for. r1: γ = 10. gradient-penalty: weight 10,
target 1, two-sided. extragradient: both look ahead by an update of Adam, and the gradients there, on a fresh batch,
move them from where they began. unrolled-5: G descends its loss against a D that is five steps of gradient descent
ahead, of rate 0.01 and on a batch each, through these steps. Written as one would write it first; with --tuned, D's
gradient by its input is written for speed. Needs jax and optax.
"""

import yardstick

try:
    import jax
    import jax.numpy as jnp
    import optax
except ImportError as error:
    raise yardstick.missing(error) from None

METHODS = ("plain", "r1", "gradient-penalty", "extragradient", "unrolled-5")
BATCHES = {"extragradient": (2, 2), "unrolled-5": (6, 1)}  # D's and G's in a step, where that is not one of each
GAMMA, WEIGHT, TARGET, RATE = 10.0, 10.0, 1.0, 0.01

options = yardstick.options(__doc__, steps=100, gans=1024, methods=METHODS)
activate = {"leaky_relu": lambda a: jnp.maximum(a, 0.2 * a), "relu": jax.nn.relu, "tanh": jnp.tanh}[options.activation]
optimizer = optax.adam(1e-3, b1=0.5, b2=0.999)


def init(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return [(jax.random.normal(k, (i, o)) / jnp.sqrt(i), jnp.zeros(o)) for k, i, o in pairs]


def mlp(layers, x):
    for w, b in layers[:-1]:
        x = activate(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def slopes(d, x):
    """D's gradient by each sample: one by one, or, tuned, of the sum of all outputs, which is twice as fast."""
    if options.tuned:
        return jax.grad(lambda x: jnp.sum(mlp(d, x)))(x)
    return jax.vmap(jax.grad(lambda one: mlp(d, one[None])[0, 0]))(x)


def d_loss(d, g, batch):
    x, z, u = batch
    fake = mlp(g, z)
    loss = jnp.mean(jax.nn.softplus(-mlp(d, x))) + jnp.mean(jax.nn.softplus(mlp(d, fake)))
    if options.method == "r1":
        loss += GAMMA / 2 * jnp.mean(jnp.sum(slopes(d, x) ** 2, axis=1))
    if options.method == "gradient-penalty":
        square = jnp.sum(slopes(d, u * x + (1 - u) * fake) ** 2, axis=1)
        loss += WEIGHT * jnp.mean((jnp.sqrt(square + 1e-12) - TARGET) ** 2)  # a root of 0 has no derivative
    return loss


def g_loss(g, d, batches, z):
    """G's loss against a D that is ahead by a step of gradient descent on each batch; without any, by none."""
    for batch in batches:
        d = jax.tree.map(lambda theta, slope: theta - RATE * slope, d, jax.grad(d_loss)(d, g, batch))
    return jnp.mean(jax.nn.softplus(-mlp(d, mlp(g, z))))


def updated(theta, gradient, state):
    update, state = optimizer.update(gradient, state)
    return optax.apply_updates(theta, update), state


def alternating(state, batches, noises):
    d, g, state_d, state_g = state
    d, state_d = updated(d, jax.grad(d_loss)(d, g, batches[0]), state_d)
    g, state_g = updated(g, jax.grad(g_loss)(g, d, batches[1:], noises[0]), state_g)
    return d, g, state_d, state_g


def extragradient(state, batches, noises):
    d, g, state_d, state_g = state
    ahead_d, ahead_g = d, g
    for batch, z in zip(batches, noises, strict=True):
        gradients = jax.grad(d_loss)(ahead_d, ahead_g, batch), jax.grad(g_loss)(ahead_g, ahead_d, [], z)
        ahead_d, state_d = updated(d, gradients[0], state_d)
        ahead_g, state_g = updated(g, gradients[1], state_g)
    return ahead_d, ahead_g, state_d, state_g


step = extragradient if options.method == "extragradient" else alternating


def draw(key):
    """A step's batches of D, of reals, noises and places between real and fake, and noises of G."""
    of_d, of_g = BATCHES.get(options.method, (1, 1))
    data_dim, noise_dim, n = options.discriminator[0], options.generator[0], options.batch

    def batch(key):
        k_x, k_z, k_u = jax.random.split(key, 3)
        reals, noises = jax.random.normal(k_x, (n, data_dim)), jax.random.normal(k_z, (n, noise_dim))
        return reals, noises, jax.random.uniform(k_u, (n, 1))

    keys = jax.random.split(key, of_d + of_g)
    return [batch(k) for k in keys[:of_d]], [jax.random.normal(k, (n, noise_dim)) for k in keys[of_d:]]


def start(key):
    k_d, k_g = jax.random.split(key)
    d, g = init(k_d, options.discriminator), init(k_g, options.generator)
    return d, g, optimizer.init(d), optimizer.init(g)


def train(state, key):
    keys = jax.random.split(key, options.steps)
    return jax.lax.scan(lambda carry, key: (step(carry, *draw(key)), None), state, keys)[0]


if __name__ == "__main__":
    keys = jax.random.split(jax.random.key(0), options.gans)
    states = jax.jit(jax.vmap(start))(keys)
    ensemble = jax.jit(jax.vmap(train))
    versions = {"jax": jax.__version__, "optax": optax.__version__}
    work = options.gans * options.steps
    yardstick.race(lambda: jax.block_until_ready(ensemble(states, keys)), work, options, versions)
