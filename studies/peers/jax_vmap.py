"""Yardstick: the same GANs in JAX, vmap over GANs, scan over steps, one jit. Needs jax and optax.

    python studies/peers/jax_vmap.py --generator 1-16-1 --discriminator 1-16-1 --gans 1024

One step is one update of D and one of G: Adam(1e-3, 0.5, 0.999), non-saturating loss, data N(500, 5^2) in every
coordinate, noise N(0, 1), float32. Neither compiling nor
drawing initial weights is counted.
"""

import yardstick

try:
    import jax
    import jax.numpy as jnp
    import optax
except ImportError as error:
    raise yardstick.missing(error) from None

options = yardstick.options(__doc__, steps=200, gans=1024)
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


def d_loss(d, g, x, z):
    return jnp.mean(jax.nn.softplus(-mlp(d, x))) + jnp.mean(jax.nn.softplus(mlp(d, mlp(g, z))))


def g_loss(g, d, z):
    return jnp.mean(jax.nn.softplus(-mlp(d, mlp(g, z))))


def normals(key, dimensions):
    return jax.random.normal(key, (options.batch, dimensions))


def start(key):
    k_d, k_g = jax.random.split(key)
    d, g = init(k_d, options.discriminator), init(k_g, options.generator)
    return d, g, optimizer.init(d), optimizer.init(g)


def train(state, key):
    data_dim, noise_dim = options.discriminator[0], options.generator[0]

    def step(carry, key):
        d, g, state_d, state_g = carry
        k_x, k_z, k_z2 = jax.random.split(key, 3)
        gradient = jax.grad(d_loss)(d, g, 500 + 5 * normals(k_x, data_dim), normals(k_z, noise_dim))
        update, state_d = optimizer.update(gradient, state_d)
        d = optax.apply_updates(d, update)
        gradient = jax.grad(g_loss)(g, d, normals(k_z2, noise_dim))
        update, state_g = optimizer.update(gradient, state_g)
        return (d, optax.apply_updates(g, update), state_d, state_g), None

    return jax.lax.scan(step, state, jax.random.split(key, options.steps))[0]


keys = jax.random.split(jax.random.key(0), options.gans)
states = jax.jit(jax.vmap(start))(keys)
ensemble = jax.jit(jax.vmap(train))
versions = {"jax": jax.__version__, "optax": optax.__version__}
yardstick.race(lambda: jax.block_until_ready(ensemble(states, keys)), options.gans * options.steps, options, versions)
