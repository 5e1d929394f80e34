"""Steps of the yardstick of the methods on given numbers, and how many flops its products take; a process of its own.

    JAX_ENABLE_X64=1 python tests/helpers/jax_step.py --method r1 --batch 8 < numbers.json

JAX's threads do not survive a fork, and it would warn of the next one in whatever test came after.

Products are counted in the program that JAX makes of a step: every matrix product that its results depend on, the same
one of the same numbers once.
"""

import json
import sys
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "studies/peers"))

import jax
import jax.numpy as jnp
import jax_methods
from jax.extend.core import Literal


class Program:
    """The operations of a function, each known by what it does to which others; inner functions are opened."""

    def __init__(self, function, *args):
        self.numbers, self.inputs, self.flops = {}, {}, {}
        closed = jax.make_jaxpr(function)(*args)
        given = [("given", place) for place in range(len(closed.jaxpr.invars))]
        self.outputs = self.walk(closed.jaxpr, closed.consts, given)

    def walk(self, program, constants, given):
        known = dict(zip(program.invars, given, strict=True))
        known |= {var: ("constant", id(value)) for var, value in zip(program.constvars, constants, strict=True)}

        def read(var):
            return ("number", str(var.val), str(var.aval)) if isinstance(var, Literal) else known[var]

        for operation in program.eqns:
            inputs = [read(var) for var in operation.invars]
            inner = operation.params.get("jaxpr") or operation.params.get("call_jaxpr")
            if inner is None:
                number = self.number(operation, inputs)
                outputs = [(number, place) for place in range(len(operation.outvars))]
            else:
                outputs = self.walk(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), inputs)
            known |= dict(zip(operation.outvars, outputs, strict=True))
        return [read(var) for var in program.outvars]

    def number(self, operation, inputs):
        """The same for the same operation on the same inputs."""
        does = operation.primitive.name, str(sorted(operation.params.items())), tuple(inputs)
        number = self.numbers.setdefault(does, len(self.numbers))
        self.inputs[number] = [each[0] for each in inputs if isinstance(each[0], int)]
        if operation.primitive.name == "dot_general":
            (summed, _), _ = operation.params["dimension_numbers"]
            left, out = operation.invars[0].aval.shape, operation.outvars[0].aval.shape
            self.flops[number] = 2 * prod(out) * prod(left[axis] for axis in summed)
        return number

    def products(self):
        """Flops of the matrix products that the outputs depend on."""
        needed, left = set(), [each[0] for each in self.outputs if isinstance(each[0], int)]
        while left:
            number = left.pop()
            if number not in needed:
                needed.add(number)
                left += self.inputs[number]
        return sum(flops for number, flops in self.flops.items() if number in needed)


def adjusted(kind, d, g, batch, z):
    """What consensus or symplectic adjustment needs of both gradients xi: xi, J^T xi and, of the second, J xi."""

    def xi(d, g):
        return jax.grad(jax_methods.d_loss)(d, g, batch), jax.grad(jax_methods.g_loss)(g, d, [], z)

    found, back = jax.vjp(xi, d, g)
    return found, back(found), jax.jvp(xi, (d, g), found)[1] if kind == "symplectic" else None


def as_arrays(tree):
    """Lists of numbers, innermost, as arrays; the structure around them as it is."""
    if isinstance(tree, dict):
        return jnp.array(tree["array"]).reshape(tree["shape"])
    return [as_arrays(each) for each in tree]


def main():
    given = json.load(sys.stdin)
    d, g = ([tuple(layer) for layer in as_arrays(given[name])] for name in ("d", "g"))
    state = d, g, jax_methods.optimizer.init(d), jax_methods.optimizer.init(g)
    steps = [(as_arrays(batches), as_arrays(noises)) for batches, noises in given["steps"]]
    (batch, *_), (z, *_) = steps[0]
    told = {"flops": Program(jax_methods.step, state, *steps[0]).products()}
    if jax_methods.options.method == "plain":
        for kind in ("consensus", "symplectic"):
            told[kind] = Program(lambda *args, kind=kind: adjusted(kind, *args), d, g, batch, z).products()
    step = jax.jit(jax_methods.step)
    for batches, noises in steps:
        state = step(state, batches, noises)
    told |= {name: jax.tree.map(lambda x: x.tolist(), theta) for name, theta in zip("dg", state[:2], strict=True)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
