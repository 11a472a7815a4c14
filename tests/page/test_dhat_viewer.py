# SPDX-License-Identifier: GPL-2.0-or-later
"""What pymemcheck convert --to=dhat writes, in Valgrind's own page in the browser."""
import json
import os
import re

import pytest

from pymemcheck.command import main

VIEWER = os.path.join(os.environ.get("VALGRIND_LIB", "/usr/libexec/valgrind"), "dh_view.html")


def test_dhat_viewer(browser, profiles, tmp_path):
    """A person loads the file by the page's button, and sees the totals and the lines."""
    if not os.path.exists(VIEWER):
        pytest.skip("NOT TESTED: there is no %s here" % VIEWER)
    out = tmp_path / "dhat.out"
    assert main(["convert", str(profiles[1]), "--to=dhat", "-o", str(out)]) == 0
    opened = browser(VIEWER, ["upload", "input[type=file]", str(out)], ["wait", "body", "Allocated at"], ["text", "body"])
    assert not opened.errors
    text = opened.results[2]
    sites = json.loads(profiles[1].read_text(encoding="utf-8"))["sites"]
    for title, column in (("Total", "total"), ("At t-gmax", "peak"), ("At t-end", "live")):
        found = re.search(r"%s:\s+([\d,]+) bytes[^\n]* in ([\d,]+) blocks" % re.escape(title), text)
        assert [int(number.replace(",", "")) for number in found.groups()] == [
            sum(sites[column + "_bytes"]), sum(sites[column + "_blocks"])], text[:2000]
    assert "job.py:" in text
