# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool knows the padding of debug hooks in every interpreter, from the first allocation of a run to the last."""
import re

import pytest

import pythons
from pmtest import is_nameless, way_of

WORDS_UP_TO_3_7, WORDS_SINCE_3_8 = 4, 3


def is_older_than_3_8(python):
    return tuple(map(int, python.version.split("."))) < (3, 8)


def hooks_of(site):
    """How many hooks a request passed. pymalloc passes requests that it does not serve to PyMem_RawMalloc, which in a
    debug build has its own hook until the interpreter has read the environment."""
    stack = way_of(site.frames)
    return 2 if re.search("Debug.* < _PyObject_(M|C|Re)alloc < .*Debug", stack) else 1


@pytest.mark.parametrize("python", pythons.each_python())
def test_every_hook_pads_by_the_same_number_of_bytes(tool, python):
    """This also holds before the first Python frame, when only the interpreter's version is known."""
    if python.version == "2.7":
        pytest.skip("2.7 has debug hooks in debug builds only")
    run = tool.run(python.path, "-S", "-c", "x = [object() for _ in range(1000)]",
                   env={"PYTHONMALLOC": "malloc_debug"})
    words = WORDS_UP_TO_3_7 if is_older_than_3_8(python) else WORDS_SINCE_3_8
    padded = [site for site in run.profile.sites if site.padding_bytes]
    if not padded and any(is_nameless(frame) for site in run.profile.sites for frame in site.frames):
        pytest.skip(f"{python.row} is stripped: its debug hooks have no names, so the tool misses their padding")
    wrong = [site for site in padded if site.padding_bytes != hooks_of(site) * words * 8 * site.total_blocks]
    assert not wrong, wrong[:3]
    assert [site for site in padded if not site.python], "no padding before the first frame"
    assert len(padded) > 1000
