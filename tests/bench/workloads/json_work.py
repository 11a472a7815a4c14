# SPDX-License-Identifier: GPL-2.0-or-later
"""Documents parsed and written by the json module."""
import json


def document(entries):
    return {"entries": [{"id": n, "name": "entry %d" % n, "ratio": n / 7,
                         "flags": [True, None, n % 2 == 0],
                         "nested": {"key-%d" % (n % 50): ["a", "b", {"deep": n}]}}
                        for n in range(entries)]}


text = json.dumps(document(1500))
total = 0
for repetition in range(36):
    parsed = json.loads(text)
    total += len(json.dumps(parsed)) + len(parsed["entries"])
# The encoder and the decoder written in Python.
for repetition in range(5):
    total += len(json.dumps(parsed, indent=1, sort_keys=True))
print(total)
