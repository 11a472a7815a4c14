# SPDX-License-Identifier: GPL-2.0-or-later
"""pymemcheck html FILE [OLD] -o report.html

Writes a page to look at a profile in a browser, or to compare it with an older one. The page is one file and needs no
network: what leaks, what holds memory, flame graph, tables, source with bytes per line."""
import base64
import hashlib
import json
import os

from .arguments import UsageError, open_profile
from .page_model import Model
from .source import Sources
from .terminal import Patience

BUNDLE = ("page.js", "page.css", "licences.txt")
MISSING = ("the page's script is not built. Install npm and build pymemcheck again"
           " (configure says why it was not built); all other commands work without it")


def add_arguments(parser):
    parser.add_argument("profile", metavar="FILE")
    parser.add_argument("old", metavar="OLD", nargs="?", help="an older profile to compare with")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the page")
    parser.add_argument("--source", metavar="FOLDER", help="source of the program, in place of the files' own paths")
    parser.add_argument("--old-source", metavar="FOLDER", help="source as of OLD")
    parser.add_argument("--no-source", action="store_true", help="no lines of source in the page")


def find_bundle(starter):
    """The folder with the built script: beside the package where it is installed, else in the build folder or, in an
    unpacked archive, the source folder. Raises UsageError."""
    here = os.path.dirname(os.path.abspath(__file__))
    folders = [os.path.join(here, "page_bundle")]
    if starter and os.path.isabs(starter[0]):
        folders.append(os.path.join(os.path.dirname(starter[0]), "page", "dist"))
    folders.append(os.path.join(here, "..", "..", "..", "page", "dist"))
    for folder in folders:
        if all(os.path.isfile(os.path.join(folder, name)) for name in BUNDLE):
            return folder
    raise UsageError(MISSING)


def embedded(value):
    """JSON that ends no script element, opens no comment, and is no line end to any JavaScript."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src %(script_hash)s; style-src %(style_hash)s;\
 img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>pymemcheck</title>
<style>%(style)s</style>
</head>
<body>
<noscript>This page needs JavaScript. The same figures as text: pymemcheck report FILE</noscript>
<script type="application/json" id="profile">%(data)s</script>
<script type="application/json" id="licences">%(licences)s</script>
<script>%(script)s</script>
</body>
</html>
"""


def make_page(model, folder):
    """The page's text."""
    def read(name):
        # Not translated: the browser turns CRLF to LF before it compares hashes, and a bundle has none.
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as stream:
            return stream.read().replace("\r\n", "\n").strip()
    script, style, licences = map(read, BUNDLE)
    if "</script" in script.lower() or "<!--" in script or "</style" in style.lower():
        raise UsageError("%s: the page's script is damaged" % folder)
    return _PAGE % {"script_hash": _hash(script), "style_hash": _hash(style), "style": style, "script": script,
                    "data": embedded(model), "licences": embedded(licences)}


def run(arguments, output):
    folder = find_bundle(arguments.starter)
    profile = open_profile(arguments.profile)
    old = open_profile(arguments.old, snapshot=True) if arguments.old else None
    sources = None if arguments.no_source else Sources(arguments.source)
    old_sources = Sources(arguments.old_source) if arguments.old_source and sources else None
    with Patience("making the page"):
        page = make_page(Model(profile, old, sources, old_sources).make(), folder)
    # Written under another name first, so that whoever opens it finds a whole page.
    new = "%s.new%d" % (arguments.output, os.getpid())
    if os.path.exists(arguments.output) and not os.path.isfile(arguments.output):
        new = arguments.output         # such as /dev/stdout
    try:
        with open(new, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(page)
        if new != arguments.output:
            os.replace(new, arguments.output)
    except OSError as error:
        if new != arguments.output and os.path.exists(new):
            os.unlink(new)
        error.filename = arguments.output
        raise
    return 0
