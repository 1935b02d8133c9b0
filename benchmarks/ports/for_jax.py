"""The workloads with loops, branches or writes as one writes them in JAX: lax.scan, `.at[...]`, where.

A while loop has no reverse in JAX: `newton` makes a fixed number of passes. Numbers of passes are static arguments.
"""
from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

PASSES = 60  # more than Newton's iteration ever needs here


def parabola(x):  # what warms up
    return jnp.sum(x * x)


def max_gate(a, b, c, d):
    return (a * b + jnp.maximum(c, d)) * 2.0


def rnn(xs, h, w, u, b):
    h, _ = lax.scan(lambda h, x: (jnp.tanh(w @ h + u @ x + b), None), h, xs)
    return h @ h


def lstm(xs, h, c, wx, wh, b):
    def step(carry, x):
        h, c = carry
        i, f, o, g = jnp.split(x @ wx + h @ wh + b, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    (h, _), _ = lax.scan(step, (h, c), xs)
    return jnp.sum(h * h)


def char_rnn(h, wxh, whh, why, bh, by, inputs, targets):
    def step(h, pair):
        h = jnp.tanh(wxh[:, pair[0]] + whh @ h + bh)
        y = why @ h + by
        return h, jnp.log(jnp.sum(jnp.exp(y))) - y[pair[1]]

    _, losses = lax.scan(step, h, (inputs, targets))
    return jnp.sum(losses)


def repeated(step, state, passes):
    """The state after so many steps."""
    return lax.scan(lambda s, _: (step(s), None), state, length=passes)[0]


def runge_kutta(field, y, steps, dt):
    def step(y):
        k1 = field(y)
        k2 = field(y + 0.5 * dt * k1)
        k3 = field(y + 0.5 * dt * k2)
        k4 = field(y + dt * k3)
        return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return repeated(step, y, steps)


def van_der_pol(x, v, mu, steps, dt):
    y = runge_kutta(lambda y: jnp.stack([y[1], mu * (1 - y[0] * y[0]) * y[1] - y[0]]), jnp.stack([x, v]), steps, dt)
    return y @ y


def pendulums(y, k, steps, dt):
    def swing(y):
        angle = y[0]
        pull = jnp.roll(angle, 1) + jnp.roll(angle, -1) - 2 * angle
        return jnp.stack([y[1], k * pull - jnp.sin(angle)])

    y = runge_kutta(swing, y, steps, dt)
    return jnp.sum(y * y)


def neural_ode(y, w, steps, dt):
    y = runge_kutta(lambda y: jnp.tanh(w @ y), y, steps, dt)
    return y @ y


def nbody(pos, vel, mass, steps, dt):
    def step(state):
        pos, vel = state
        gap = pos[None, :, :] - pos[:, None, :]
        dist2 = jnp.sum(gap * gap, axis=2) + 0.1
        pull = mass / (dist2 * jnp.sqrt(dist2))
        vel = vel + dt * jnp.sum(pull[:, :, None] * gap, axis=1)
        return pos + dt * vel, vel

    pos, vel = repeated(step, (pos, vel), steps)
    return jnp.sum(pos * pos) + jnp.sum(vel * vel)


def piecewise(x):
    return jnp.sum(jnp.where(x > 0, x * x, jnp.where(x < -1, -jnp.exp(x), 0.0)))


def folded(x, a, b, steps):
    return repeated(lambda x: jnp.where(x < 0.5, a * x + 0.3, b * (1.0 - x)), x, steps)


def newton(a):
    def step(x):
        return jnp.where(jnp.abs(x * x - a) > 1e-10, 0.5 * (x + a / x), x)

    return jnp.sum(repeated(step, a, PASSES))


def recurrence(x):
    def step(last, pair):
        new = last * pair[1] + 0.5 * pair[0]
        return new, new

    _, rest = lax.scan(step, x[0], (x[:-1], x[1:]))
    return (x[0] + jnp.sum(rest)) / len(x)


def jacobi_1d(a, b, steps):
    def step(state):
        a, b = state
        b = b.at[1:-1].set((a[:-2] + a[1:-1] + a[2:]) / 3.0)
        return a.at[1:-1].set((b[:-2] + b[1:-1] + b[2:]) / 3.0), b

    a, _ = repeated(step, (a, b), steps)
    return jnp.sum(a * a)


def heat_1d(u, k, steps):
    u = repeated(lambda u: u.at[1:-1].add(k * (u[2:] - 2 * u[1:-1] + u[:-2])), u, steps)
    return jnp.sum(u * u)


def advection(u, wind, steps):
    def step(u):
        return u.at[1:-1].add(-wind * jnp.where(wind > 0, u[1:-1] - u[:-2], u[2:] - u[1:-1]))

    u = repeated(step, u, steps)
    return jnp.sum(u * u)


def around(u):
    """The sum of the four neighbours of every inner point."""
    return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]


def heat_2d(u, k, steps):
    u = repeated(lambda u: u.at[1:-1, 1:-1].add(k * (around(u) - 4 * u[1:-1, 1:-1])), u, steps)
    return jnp.sum(u * u)


def jacobi_2d(u, f, steps):
    u = repeated(lambda u: u.at[1:-1, 1:-1].set(0.25 * (around(u) - f[1:-1, 1:-1])), u, steps)
    return jnp.sum(u * u)


def seidel_2d(u, steps):
    def point(left, near):
        new = 0.2 * (near + left)
        return new, new

    def line(above, pair):
        here, below = pair
        _, inner = lax.scan(point, here[0], above[1:-1] + here[1:-1] + here[2:] + below[1:-1])
        new = here.at[1:-1].set(inner)
        return new, new

    def sweep(u):
        _, inner = lax.scan(line, u[0], (u[1:-1], u[2:]))
        return u.at[1:-1].set(inner)

    u = repeated(sweep, u, steps)
    return jnp.sum(u * u)


def forward_solve(low, b):
    def step(x, i):
        return x.at[i].set((b[i] - low[i] @ x) / low[i, i]), None  # what of x is not known yet is zero

    x, _ = lax.scan(step, jnp.zeros(len(b)), jnp.arange(len(b)))
    return jnp.sum(x * x)


def cholesky(a):
    rows = jnp.arange(len(a))

    def step(low, j):
        rest = a[:, j] - low @ low[j]
        top = jnp.sqrt(rest[j])
        return low.at[:, j].set(jnp.where(rows > j, rest / top, jnp.where(rows == j, top, 0.0))), None

    low, _ = lax.scan(step, jnp.zeros_like(a), rows)
    return jnp.sum(jnp.log(jnp.diag(low))) + jnp.sum(low)
