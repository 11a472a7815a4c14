# SPDX-License-Identifier: GPL-2.0-or-later
"""Float and int arithmetic: n-body, spectral norm, Mandelbrot set, primes, big integers."""
import math


def nbody(steps):
    bodies = [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47], [4.84, -1.16, -0.10, 0.6, 2.8, -0.02, 0.037],
              [8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011],
              [12.89, -15.1, -0.22, 1.08, 0.86, -0.01, 0.0017],
              [15.37, -25.9, 0.17, 0.97, 0.59, -0.034, 0.002]]
    for _ in range(steps):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1:]:
                dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
                pull = 0.01 / (dx * dx + dy * dy + dz * dz) ** 1.5
                a[3] -= dx * b[6] * pull
                a[4] -= dy * b[6] * pull
                a[5] -= dz * b[6] * pull
                b[3] += dx * a[6] * pull
                b[4] += dy * a[6] * pull
                b[5] += dz * a[6] * pull
        for body in bodies:
            body[0] += 0.01 * body[3]
            body[1] += 0.01 * body[4]
            body[2] += 0.01 * body[5]
    return bodies[0][0]


def spectral_norm(size):
    def multiply(vector, transposed):
        result = []
        for i in range(size):
            total = 0.0
            for j in range(size):
                row, column = (j, i) if transposed else (i, j)
                total += vector[j] / ((row + column) * (row + column + 1) // 2 + row + 1)
            result.append(total)
        return result

    u = [1.0] * size
    for _ in range(3):
        v = multiply(multiply(u, False), True)
        u, v = multiply(multiply(v, False), True), u
    return math.sqrt(sum(x * y for x, y in zip(u, v)) / sum(x * x for x in v))


def mandelbrot(size):
    inside = 0
    for y in range(size):
        for x in range(size):
            c = complex(2.0 * x / size - 1.5, 2.0 * y / size - 1.0)
            z = 0j
            for _ in range(50):
                z = z * z + c
                if z.real * z.real + z.imag * z.imag > 4.0:
                    break
            else:
                inside += 1
    return inside


def sieve(limit):
    prime = bytearray(b"\x01") * limit
    for n in range(2, int(limit ** 0.5) + 1):
        if prime[n]:
            for multiple in range(n * n, limit, n):
                prime[multiple] = 0
    return sum(prime) - 2


def big_integers(count):
    a, b = 1, 1
    for _ in range(count):
        a, b = b, (a + b) * 3 % (1 << 256)
    return b % 1000003


print(repr(nbody(9000)), repr(spectral_norm(130)),
      mandelbrot(140), sieve(500000), big_integers(240000))
