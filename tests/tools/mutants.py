"""Small wrong changes, one at a time, each of which the tests must notice.

    python tests/tools/mutants.py                    all of them: an hour or two on two cores
    python tests/tools/mutants.py kernels games      those whose file or change has one of these words
    python tests/tools/mutants.py --list             what there is

For each the checkout is copied, one expression is replaced, and the tests named beside it run until the first of them
fails. A change that no test notices is a promise that nobody holds: exit code 1, and its line. A change whose old text
is not there exactly once is told too, so that this list follows the code.
"""

# ruff: noqa: E501 - a mutant is a row
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", "results", "__pycache__", ".*_cache", ".hypothesis")


class Mutant(NamedTuple):
    """A wrong change: in which file, which text by which other, and the test files that notice."""

    file: str
    old: str
    new: str
    tests: str


MUTANTS = [
    Mutant(*row)
    for row in (
        # what is simulated
        ('model/data/distributions.py', 'sqrt(12)', 'sqrt(10)', 'spec closed_forms'),
        ('model/data/distributions.py', 'abs(total - 1) < 1e-9', 'abs(total - 1) < 1', 'spec'),
        ('model/gan.py', 'self.records > self.steps', 'self.records >= self.steps', 'spec'),
        ('model/gan.py', 'std < 16 * float', 'std < 15 * float', 'spec'),
        ('model/fields.py', 'self.low <= number <= self.high\n', 'self.low <= number < self.high\n', 'fields spec'),
        ('model/fields.py', 'float(number) + 0.0', 'float(number)', 'fields spec'),
        ('model/fields.py', 'isinstance(value, kind) and not isinstance(value, bool)', 'isinstance(value, kind)', 'fields'),
        ('errors.py', 'if len(text) <= width else', 'if len(text) <= width + 9 else', 'errors'),
        ('design/sampling.py', 'over.low - 0.5, over.high + 0.5', 'over.low, over.high', 'sampling'),
        ('design/sampling.py', 'self.n & (self.n - 1)', 'self.n & self.n // 2', 'sampling'),
        ('design/design.py', 'if texts[str(label)] > 1', 'if texts[str(label)] > 2', 'design'),
        ('design/design.py', 'if path in merged:', 'if path in owner and False:', 'design'),
        ('design/plain.py', 'None if value == "none" else value', 'None if value == "None" else value', 'schema'),
        ('design/plain.py', 'if name not in allowed:', 'if name not in (*allowed, name):', 'schema'),
        # laws and closed forms
        ('analysis/theory.py', '0.5 + 0.5 * distance, 0.5 * distance.error', '0.5 + 0.6 * distance, 0.5 * distance.error', 'theory'),
        ('analysis/theory.py', '2 * jsd - math.log(4.0), 2', '2 * jsd - math.log(2.0), 2', 'theory'),
        ('analysis/theory.py', '0.0 - real - fake, real.error + fake.error', '0.0 - real - fake, real.error', 'theory'),
        ('analysis/theory.py', 'np.cumsum(mass_q) - 0.5 * mass_q', 'np.cumsum(mass_q)', 'theory'),
        ('model/elementary.py', 'low, e - 1, e', 'low, e, e', 'elementary'),
        ('model/elementary.py', 'range(13, 1, -1)', 'range(9, 1, -1)', 'elementary'),
        ('model/data/modes.py', '<= HIGH_QUALITY * stds[ruling]', '<= 2 * stds[ruling]', 'truth measure'),
        ('model/data/modes.py', 'apart * apart / 2 + heights[a] - heights[b]', 'apart * apart / 2 - heights[a] + heights[b]', 'truth measure'),
        ('model/data/modes.py', 'np.log(MISS / max(1, self.n)) / n', 'np.log(MISS) / n / 2', 'truth'),
        ('analysis/floor.py', '(np.arange(n) + 0.5) / n', 'np.arange(n) / n', 'truth regimes'),
        ('analysis/floor.py', 'many = (length + 1) // 2', 'many = length // 2 + 1', 'truth regimes'),
        # kernels
        ('kernels/games.py', 'lambda s, _: softplus(-s), lambda s, _: -sigmoid(-s)', 'lambda s, _: softplus(-s), lambda s, _: -sigmoid(s)', 'gradients'),
        ('kernels/games.py', 'lambda s, _: -softplus(-s), lambda s, _: sigmoid(-s)', 'lambda s, _: -softplus(-s), lambda s, _: -sigmoid(-s)', 'gradients'),
        ('kernels/games.py', 'Game(OFF_B, OFF_A, OFF_C)', 'Game(OFF_A, OFF_B, OFF_C)', 'gradients'),
        ('kernels/relativistic.py', 'y[t] - fake * weights[t], y[n + t] - real * weights[t]', 'y[t], y[n + t]', 'gradients'),
        ('kernels/training/optimizers.py', 'step, scale = settings[LR] / (1.0 - power1), 1.0 / (1.0 - power2)\n    rest1, rest2 = 1.0 - beta1, 1.0 - beta2\n    for i in range(n):\n        g = grad[i]\n        m = fma(state[i], beta1, g * rest1)\n        v = fma(state[n + i], beta2, g * g * rest2)\n        state[i]', 'step, scale = settings[LR] / (1.0 - power2), 1.0 / (1.0 - power2)\n    rest1, rest2 = 1.0 - beta1, 1.0 - beta2\n    for i in range(n):\n        g = grad[i]\n        m = fma(state[i], beta1, g * rest1)\n        v = fma(state[n + i], beta2, g * g * rest2)\n        state[i]', 'training'),
        ('kernels/training/optimizers.py', 'lr * g / (sqrt(v) + eps)', 'lr * g / sqrt(v + eps)', 'training'),
        ('kernels/training/optimizers.py', 'm = fma(state[i], beta, grad[i])\n        state[i] = m\n        theta[i] = fma(-lr, m,', 'm = fma(state[i], beta, (1.0 - beta) * grad[i])\n        state[i] = m\n        theta[i] = fma(-lr, m,', 'training'),
        ('kernels/training/field.py', '_draw_noises(g, s, field, NOISE_G', '_draw_noises(g, s, field, NOISE_D', 'training'),
        ('kernels/training/dynamics.py', '    _update_d(d, field)\n    update(g)\n', '    update(g)\n', 'training'),
        ('kernels/training/dynamics.py', '                gradient_g(g, d, s, field, step, k)', '                gradient_g(g, d, s, field, step, 0)', 'training'),
        ('kernels/training/dynamics.py', '(turn == 0) == (dynamics.order == G_FIRST):\n            for', 'turn == 1:\n            for', 'training'),
        ('kernels/training/optimizers.py', '2.0 * grad[i] - before', '2.0 * grad[i] - state[i]', 'training'),
        ('kernels/networks/initial.py', 'if n_out <= n_in:', 'if n_out < n_in - 1:', 'lanes network random simulate training'),
        ('kernels/random.py', 'k4 = k0 ^ k1 ^ k2 ^ k3 ^ 0x1BD11BDA', 'k4 = k0 ^ k1 ^ k2 ^ k3 ^ 0x1BD11BDB', 'random'),
        ('kernels/random.py', '2.0**-23, 2.0**-24', '2.0**-23, 0.0', 'random'),
        ('kernels/random.py', 'sqrt(log(uniform(a, like)) * -2.0)', 'sqrt(log(uniform(a, like)) * -1.9)', 'random'),
        ('kernels/sampler.py', '* s.n_sample) >> 32', '* (s.n_sample - 1)) >> 32', 'random training'),
        ('kernels/sampler.py', 'std = where_greater(s.target[c - 1], u, std, s.target[stds + c])', 'std = where_greater(s.target[c - 1], u, std, s.target[stds])', 'random measure'),
        ('kernels/measure.py', 'won = real * (fakes + before) * 0.5 - excess', 'won = real * fakes - excess', 'measure'),
        ('kernels/measure.py', 'float(i + 1) / n - shares[i]', 'float(i) / n - shares[i]', 'measure'),
        ('kernels/measure.py', 'off = fakes[i] - mean\n', 'off = fakes[i]\n', 'measure'),
        ('kernels/measure.py', '(half + 1.0) * 0.5', 'where_greater(correct, 0.0, 1.0, 0.0)', 'measure'),
        ('kernels/measure.py', 'absolute(fakes[i] - quantiles[i])', 'fakes[i] - quantiles[i]', 'measure'),
        ('kernels/modes.py', 'where_greater(off, HIGH_QUALITY, 0.0, 1.0)', 'where_greater(off, 2.0, 0.0, 1.0)', 'measure'),
        ('kernels/modes.py', 'return off * 0.5', 'return off', 'measure truth'),
        ('kernels/lanemath.py', 'minimum(1.0, maximum(-1.0, x * p / q))', 'x * p / q', 'lanemath'),
        ('kernels/networks/passes.py', 'elif what == BACKWARD:', 'elif what == TO_INPUT:', 'network gradients'),
        ('kernels/compiling/registers.py', ' and not _config.ENABLE_AVX', '', 'lanes'),
        ('kernels/lanemath.py', 'y = fma(y, f, -2.4999993993e-1)', 'y = fma(y, f, -2.4999e-1)', 'lanemath'),
        ('kernels/networks/layers.py', 'a = fma(p.theta[at.w + j * n_in + i], p.d[at.y + j], a)', 'a = fma(p.theta[at.w + j * n_in], p.d[at.y + j], a)', 'network gradients'),
        ('kernels/compiling/cache.py', 'if seal == _seal(name, content):', 'if seal:', 'cache altered'),
        ('kernels/networks/packs.py', '(t // each * packing + j) * each', '(t // each * packing + packing - 1 - j) * each', 'packing'),
        ('kernels/networks/packs.py', 'place // OCTET * last + min(place % OCTET, last - 1)', 'place', 'packing'),
        ('kernels/networks/passes.py', '[*at_outputs(net, _scale_back), *steps, *at_inputs(net, _scale_back)]', '[*at_outputs(net, _scale_back), *steps]', 'network packing'),
        ('kernels/networks/directional.py', '            p.r_d[at.x + i] = p.r_d[at.y + i] * p.settings[which]', '            p.r_d[at.x + i] = p.r_d[at.y + i]', 'training'),
        ('kernels/networks/directional.py', 'p.d[at.x + i] = p.d[at.y + i] * p.settings[which]\n            p.r_d', 'p.d[at.x + i] = p.d[at.y + i]\n            p.r_d', 'packing'),
        # penalties, second derivatives, dynamics
        ('kernels/networks/directional.py', 'r_a = spread(p.along[at.b + j] if bias else 0.0', 'r_a = spread(0.0', 'dynamics'),
        ('kernels/networks/directional.py', 'fma(p.along[at.w + j * n_in + i], f, r_a)', 'fma(p.along[at.w + j * n_in], f, r_a)', 'combinations'),
        ('kernels/networks/directional.py', 'r_a = fma(w, p.r_h[at.x + i], r_a)', 'r_a = fma(w, p.r_h[at.x], r_a)', 'dynamics'),
        ('kernels/networks/directional.py', 'deactivate(a, p.h[at.y + j], slope)', 'deactivate(a, a, slope)', 'penalties'),
        ('kernels/networks/directional.py', 'r_u = fma(p.along[at.up + j * n_units + i], p.d[at.z + j], r_u)', 'r_u = fma(p.along[at.up + j * n_units + i], p.d[at.z], r_u)', 'combinations dynamics'),
        ('kernels/networks/directional.py', 'second(u, f, slope), p.r_a[at.y + i], r_d', 'second(u, f, slope), p.r_h[at.y + i], r_d', 'penalties'),
        ('kernels/networks/directional.py', 'dot_two(d, p.r_h[at.x + k], r_d, p.h[at.x + k], p.grad[row])', 'dot(r_d, p.h[at.x + k], p.grad[row])', 'penalties'),
        ('kernels/networks/directional.py', 'total(r_d, p.grad[at.b + i])', 'total(d, p.grad[at.b + i])', 'penalties'),
        ('kernels/networks/directional.py', 'fma(p.along[at.w + i], d, fma(w, r_d, r_dx))', 'fma(w, r_d, r_dx)', 'dynamics'),
        ('kernels/networks/directional.py', 'r_d = fma(p.along[at.w + j * n_in + i], p.d[at.y + j], r_d)', 'r_d = fma(p.along[at.w + j * n_in + i], p.d[at.y], r_d)', 'dimensions dynamics'),
        ('kernels/networks/directional.py', 'stored, ends = layer != first or (through and not single)', 'stored, ends = layer != first', 'dimensions dynamics'),
        ('kernels/networks/activations.py', 'fma(f, f, -1.0)) * 2.0', 'fma(f, f, -1.0)) * 1.0', 'penalties'),
        ('kernels/networks/activations.py', 'd * (first * (1.0 - first))', 'd * (first * first)', 'penalties'),
        ('kernels/networks/activations.py', 'where_greater(f, 0.0, 0.0, d * (f + slope))', 'where_greater(f, 0.0, d, d * (f + slope))', 'penalties'),
        ('kernels/networks/activations.py', 'fma(f, -2.0, 1.0)', 'fma(f, 2.0, 1.0)', 'penalties'),
        ('kernels/training/penalties.py', 'pull = weights[first + t] * numbers[which]', 'pull = weights[first + t] * numbers[which] * 0.5', 'penalties'),
        ('kernels/training/penalties.py', 'numbers[WEIGHT] * 2.0', 'numbers[WEIGHT]', 'penalties'),
        ('kernels/training/penalties.py', 'return where_greater(norm, least, pull, 0.0)', 'return pull', 'penalties'),
        ('kernels/training/penalties.py', 'fma(d.d[first + k], d.d[first + k], square)', 'fma(d.d[first], d.d[first], square)', 'penalties'),
        ('kernels/training/penalties.py', 'cost = square * numbers[which] * 0.5', 'cost = square * numbers[which]', 'penalties'),
        ('kernels/training/penalties.py', 'minimum(maximum(d.theta[i], -p.clip), p.clip)', 'maximum(d.theta[i], -p.clip)', 'dynamics'),
        ('kernels/training/penalties.py', 'step / p.blur_steps', '(step + 1) / p.blur_steps', 'combinations'),
        ('kernels/training/penalties.py', 'row = k * padded + index', 'row = index', 'dimensions'),
        ('kernels/training/penalties.py', 'blurs[place(first, t, i, coordinates', 'blurs[place(first, t, 0, coordinates', 'dimensions'),
        ('kernels/training/penalties.py', 'blurs[place(first, t, i', 'blurs[place(0, t, i', 'combinations'),
        ('kernels/training/penalties.py', 'reals[place(first, t, i', 'reals[place(first, t, 0', 'penalties'),
        ('kernels/training/penalties.py', 'fma(u[first + t], real -', 'fma(u[t], real -', 'combinations'),
        ('kernels/training/field.py', 'NOISE_G, BLUR_G, step, k)', 'NOISE_G, BLUR_D, step, k)', 'combinations'),
        ('kernels/training/field.py', '_penalise_seen(d, field.penalties, R2, s.weights', '_penalise_seen(d, field.penalties, R1, s.weights', 'combinations'),
        ('kernels/training/field.py', 'index, step, 0, k, zero, zero + 1.0)', 'index, step, 0, 0, zero, zero + 1.0)', 'combinations'),
        ('kernels/training/field.py', '_draw_reals(g, s, field, step, _OF_G + k)', '_draw_reals(g, s, field, step, k)', 'training'),
        ('kernels/training/turns.py', 'm.r_d[at] = m.r_d[at] * m.r_h[at]', 'm.r_d[at] = m.r_d[at] * 1.0', 'combinations'),
        ('kernels/training/turns.py', 'to_inputs(g, d, of_g.r_h, of_d.r_h', 'to_inputs(g, d, g.h, of_d.r_h', 'dynamics'),
        ('kernels/training/turns.py', 'to_outputs(g, d, of_d.r_d, of_g.r_d', 'to_outputs(g, d, d.d, of_g.r_d', 'dynamics'),
        ('kernels/training/turns.py', 'by_d and (c is not None or not of_g)', 'by_d and (c is not None or of_g)', 'combinations'),
        ('kernels/training/turns.py', 'field.game.generator if of_g else field.game.fake', 'field.game.fake', 'dynamics'),
        ('kernels/training/turns.py', 'backward_from(g, of_g.r_d, of_g.grad', 'backward_from(g, g.d, of_g.grad', 'dynamics combinations'),
        ('kernels/training/adjustments.py', '    _copy(rows(a.batches), first + n_x, rows(s.noises), 0, n_z)\n', '', 'combinations'),
        ('kernels/training/adjustments.py', '        _copy(rows(a.batches), first + n_x + n_z, rows(p.blurs), 0, p.blurs.shape[0])\n', '', 'combinations'),
        ('kernels/training/adjustments.py', '_add(rows(a.sum_g), a.strength, g.grad', '_add(rows(a.sum_g), 0.5 * a.strength, g.grad', 'dynamics'),
        ('kernels/training/adjustments.py', '_add(found_d, -1.0, of_d, n_d)', '_add(found_d, 1.0, of_d, n_d)', 'dynamics'),
        ('kernels/training/adjustments.py', 'share = zero + 0.5 * a.strength', 'share = zero + a.strength', 'dynamics'),
        ('kernels/training/adjustments.py', 'along * (square - cross)', 'along * (square + cross)', 'dynamics'),
        ('kernels/training/adjustments.py', '0.1 * (n_g + n_d)', '0.1 * n_g', 'dynamics'),
        ('kernels/training/adjustments.py', '_add(rows(t.d.found), -a.strength, rows(t.d.along), n_d)', '_add(rows(t.d.found), a.strength, rows(t.d.along), n_d)', 'combinations'),
        ('kernels/training/adjustments.py', '_copy(path, j * n_d, d.theta, 0, n_d)', '_copy(path, 0, d.theta, 0, n_d)', 'combinations'),
        ('kernels/training/adjustments.py', 'j = a.k - 1 - back', 'j = back', 'combinations'),
        ('kernels/training/adjustments.py', 'inner, raw = _INNER + 64 * k', 'inner, raw = _INNER', 'dynamics combinations'),
        ('kernels/training/adjustments.py', '_copy(d.kept, BEFORE * n_d, d.grad, 0, n_d)', '_copy(d.grad, 0, d.grad, 0, n_d)', 'dynamics'),
        ('kernels/training/adjustments.py', '_copy(path, 0, d.theta, 0, n_d)\n    _copy', '_copy', 'dynamics'),
        ('kernels/training/dynamics.py', 'k = turn if m.fresh else 0', 'k = 0', 'dynamics'),
        ('kernels/training/dynamics.py', 'if turn == 1 or step > 0:', 'if turn < 2:', 'dynamics'),
        ('kernels/training/dynamics.py', 'fma(p.theta[i] - slow, towards, slow)', 'fma(p.theta[i] - slow, 1.0 - towards, slow)', 'dynamics'),
        ('kernels/training/dynamics.py', '(step + 1) % m.every', 'step % m.every', 'dynamics'),
        ('kernels/training/dynamics.py', '1.0 / (step + 1) if', '1.0 / (step + 2) if', 'dynamics'),
        ('kernels/training/dynamics.py', 'step / m.steps', '(step + 1) / m.steps', 'dynamics'),
        ('kernels/training/dynamics.py', '0.5 * (1.0 + cos)', '(1.0 + cos)', 'dynamics'),
        ('kernels/training/dynamics.py', '            _back(g, False)\n            _back(d, raw)\n        _move', '            _back(g, False)\n        _move', 'dynamics'),
        ('kernels/training/dynamics.py', '        _look_back(d, m.towards)\n', '', 'dynamics'),
        ('kernels/training/optimizers.py', 'shrink = -p.settings[LR] * p.settings[WEIGHT_DECAY]', 'shrink = -p.settings[WEIGHT_DECAY]', 'dynamics'),
        ('kernels/games.py', 'sigmoid(s) * a[0] - sigmoid(-s) * (1.0 - a[0])', 'sigmoid(s) * a[0] - sigmoid(-s)', 'penalties'),
        ('kernels/games.py', '-sigmoid(s), lambda s, _: -logistic_density(s)', '-sigmoid(s), lambda s, _: logistic_density(s)', 'combinations'),
        ('kernels/games.py', 'lambda s, a: sigmoid(s) * a[0] - sigmoid(-s) * (1.0 - a[0]),\n        lambda s, a: logistic_density(s)', 'lambda s, a: sigmoid(s) * a[0] - sigmoid(-s) * (1.0 - a[0]),\n        lambda s, a: logistic_density(s) * (1.0 - a[0])', 'combinations'),
        ('engine/players.py', 'for block_ in (SLOW, AVERAGE)', 'for block_ in (AVERAGE,)', 'dynamics'),
        ('engine/bundles.py', 'if gan.average is None:\n        return g', 'if gan.average is not None:\n        return g', 'dynamics'),
        ('engine/gradients.py', '(found >= 0) & (found <= 1)', '(found >= 0)', 'penalties'),
        ('engine/compile_ahead.py', '        if any(turning(one)):\n            yield _Piece("bends", gan.precision, losses_of(one)[0])\n', '', 'compile_ahead'),
        ('engine/compile_ahead.py', '"adjusted": is_adjusted(gan)', '"adjusted": False', 'compile_ahead'),
        # the engine
        ('engine/players.py', 'out[-1][1] * mlp.output_scale', 'out[-1][1]', 'packing'),
        ('analysis/floor.py', 'auc=_auc_off(self.n // self.packing, length)', 'auc=_auc_off(self.n, length)', 'packing'),
        ('engine/samplers.py', 'law.high - law.low) if isinstance(law, Uniform) else moments(law)', 'law.high - law.low) if isinstance(law, Uniform) else (moments(law)[0], moments(law)[1] * 1.01)', 'simulate measure'),
        ('engine/evaluations.py', 'middles = (np.arange(n) + 0.5) / n', 'middles = (np.arange(n) + 0.4) / n', 'measure'),
        ('engine/training.py', 'gan.steps * k // gan.records', 'gan.steps * (k - 1) // gan.records', 'simulate'),
        ('engine/simulate.py', 'alive[rows] &= finite', 'alive[rows] = finite', 'simulate regimes'),
        ('engine/referee.py', '(bias - location) / scale', 'bias / scale', 'simulate closed_forms'),
        ('engine/simulate.py', 'location + scale * bias[0], scale * weights[0, 0]', 'bias[0], scale * weights[0, 0]', 'simulate'),
        ('engine/replay.py', 'np.exp(-np.logaddexp(0, -self.logit(x)))', 'np.exp(-np.logaddexp(0, self.logit(x)))', 'replay'),
        ('kernels/compiling/arithmetic.py', 'return cast(F, computed)', 'return function', 'arithmetic'),
        ('source.py', 'if entry.name.endswith(".py"):', 'if entry.name.endswith("s.py"):', 'source'),
        # labels, shares, intervals
        ('analysis/labels.py', 'at_most = within > length // 2', 'at_most = within >= length // 2', 'regimes'),
        ('analysis/labels.py', 'np.logical_and.accumulate(finite, axis=1)', 'finite', 'regimes'),
        ('analysis/labels.py', 'code[(real >= high) & (fake <= low)] = _PERFECT', 'code[(real >= high) | (fake <= low)] = _PERFECT', 'regimes'),
        ('analysis/labels.py', '"ks_modes": max(thresholds.ks_modes, own.ks)', '"ks_modes": thresholds.ks_modes', 'truth regimes'),
        ('analysis/labels.py', 'thresholds.spread * floor.modes.narrowest', 'thresholds.spread', 'truth regimes'),
        ('analysis/intervals.py', 'effective = min(max(float(wanted) * (z / student(freedom, level)) ** 2, least), most)', 'effective = float(n)', 'intervals'),
        ('analysis/intervals.py', 'residuals @ residuals * replicates / (replicates - 1)', 'residuals @ residuals', 'intervals tables'),
        ('analysis/intervals.py', 'len(runs_of) == 1 < n', 'False', 'intervals'),
        ('analysis/replicates.py', 'use_na_sentinel=False', 'use_na_sentinel=True', 'replicates tables'),
        ('analysis/replicates.py', 'alike = runs.duplicated(names, keep=False)', 'alike = runs.duplicated([*names, "rep"], keep="first") & False', 'replicates tables'),
        ('analysis/comparisons.py', 'variance = discordant / n - difference**2', 'variance = discordant / n', 'tables'),
        ('analysis/planner.py', '2 * h**2 * z2 - z2 * p * (1 - p)', '2 * h**2 * z2 - z2 * p', 'planner'),
        ('analysis/stopping.py', 'if n >= fewest and error <= target:', 'if error <= target:', 'planner'),
        # files
        ('storage/parts.py', 'same &= equal.reshape(len(rows), -1).all(axis=1)', 'same |= equal.reshape(len(rows), -1).all(axis=1)', 'parts study'),
        ('storage/parts.py', '(rows.reps < 0).any() or len(np.unique(ids)) < len(ids)', '(rows.reps < 0).any()', 'parts'),
        ('storage/metadata_json.py', 'if stamp is not None and stamp != _metadata_digest(metadata):', 'if stamp is None:', 'store altered'),
        ('storage/parquet.py', 'if checksum is not None and not', 'if checksum is None and not', 'store parts altered'),
        ('storage/reported.py', 'elif _digest(path) != digest:', 'elif not digest:', 'reported'),
        ('storage/identity.py', 'elif stored["kernel"] != identity.kernel:', 'elif not stored["kernel"]:', 'identity folder study'),
        ('storage/holding.py', 'if before == _inode(folder):  # else', 'if before:  # else', 'holding'),
        ('storage/folder.py', 'if disk.file_digest(path) != digest:', 'if False:', 'reported folder'),
        ('storage/provenance.py', 'sort_keys=True, separators', 'sort_keys=False, separators', 'provenance identity study'),
        ('storage/provenance.py', 'deciding_digests(), jit.COMPILES]', 'deciding_digests()]', 'provenance'),
        ('running/merging.py', 'if results.thresholds != opened[0].thresholds:', 'if False:', 'folder commands study'),
        ('running/shard.py', '(reps // _BLOCK + cells) % self.count', '(reps // _BLOCK) % self.count', 'folder study'),
        ('running/verify.py', 'differ = ~stored.agrees(rows)', 'differ = ~stored.agrees(stored.rows(wanted))', 'commands altered'),
        # running, reporting, the command line
        ('running/planning.py', 'key=lambda task: -task.work', 'key=lambda task: task.work', 'pool study preview'),
        ('design/in_words/wording.py', "'' if number == 1 else 's'", "'s'", 'progress commands preview'),
        ('escaping.py', 'return bare in _MISSING or', 'return', 'escaping tables'),
        ('escaping.py', 'in ("Cc", "Cs", "Zl", "Zp")', 'in ("Cs", "Zl", "Zp")', 'escaping'),
        ('design/in_words/wording.py', 'if gan.standardise else', 'if not gan.standardise else', 'wording ademp run_figure'),
        ('children.py', '{"PYTHONSAFEPATH": "1"}', '{"PYTHONSAFEPATH": ""}', 'children'),
        ('command_line/options.py', 'dataclasses.replace(quick or full, quick=False) if hasattr(given, "quick") else full', 'full', 'cli'),
        ('command_line/options.py', 'name.replace("_", "-")', 'name', 'cli'),
        ('command_line/working.py', 'before.astype(str) != after["regime"].astype(str)', 'before.astype(str) == after["regime"].astype(str)', 'commands'),
    )
]  # fmt: skip


def noticed(mutant: Mutant, python: str) -> str:
    """The test that fails, "" if none does, or what is wrong with the mutant itself, from "!" on."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(shutil.copytree(ROOT, Path(folder) / "gansim", ignore=LEFT_OUT))
        (copy / "results").symlink_to(ROOT / "results")
        path = copy / "gansim" / mutant.file
        text = path.read_text(encoding="utf-8")
        if (found := text.count(mutant.old)) != 1:
            return f"! the text is there {found} times"
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        tests = [str(next((copy / "tests").rglob(f"test_{name}.py"))) for name in mutant.tests.split()]
        command = [python, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", *tests]
        done = subprocess.run(
            command, cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False
        )
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        if done.returncode == 0:
            return ""
        return failed[0] if done.returncode in (1, 2) and failed else f"! pytest ended with {done.returncode}"


def main() -> int:
    """Run the mutants that are asked for, as many at a time as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="mutants whose file or change has one of these words; all by default")
    parser.add_argument("--list", action="store_true", help="print them and run nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if not options.words or any(word in " ".join(m) for word in options.words)]
    if options.list:
        print(*(f"{m.file}: {m.old!r} -> {m.new!r} ({m.tests})" for m in chosen), sep="\n")
        return 0
    survived = 0
    with ThreadPoolExecutor(options.jobs) as pool:

        def timed(mutant: Mutant) -> tuple[str, float]:
            began = time.perf_counter()
            return noticed(mutant, sys.executable), time.perf_counter() - began

        for mutant, (verdict, seconds) in zip(chosen, pool.map(timed, chosen), strict=True):
            bad = not verdict or verdict.startswith("!")
            survived += bad
            told = verdict or "NOT NOTICED"
            print(
                f"{'--' if bad else 'ok'} {seconds:4.0f} s  {mutant.file}: {mutant.new.strip()[:60]!r}: {told[:120]}",
                flush=True,
            )
    print(f"{len(chosen) - survived} of {len(chosen)} noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main())
