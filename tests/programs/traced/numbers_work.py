# SPDX-License-Identifier: GPL-2.0-or-later
"""decimal, fractions, statistics, random, datetime."""
import datetime
import decimal
import fractions
import random
import statistics


def main():
    decimals = [decimal.Decimal(n) / 7 for n in range(100)]
    with decimal.localcontext() as context:
        context.prec = 200
        long = [decimal.Decimal(n).sqrt() for n in range(2, 40)]
    total = sum(decimals, decimal.Decimal(0))
    parts = [fractions.Fraction(n, 7) for n in range(100)]
    product = parts[1] * parts[2] + parts[3]
    generator = random.Random(7)
    numbers = [generator.random() for _ in range(100)]
    mean = statistics.mean(parts)
    spread = statistics.stdev(numbers)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(100)]
    texts = [day.isoformat() for day in days]
    moments = [datetime.datetime(2020, 1, 1, n % 24, tzinfo=datetime.timezone.utc) for n in range(50)]
    return locals()
