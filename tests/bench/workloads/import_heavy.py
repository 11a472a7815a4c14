# SPDX-License-Identifier: GPL-2.0-or-later
"""Many modules of the standard library, imported, dropped and imported again.

Only modules read from .py or .pyc files are dropped: what is written in C, and
what the interpreter itself holds on to at exit, is imported once."""
import importlib
import importlib.machinery
import sys
import threading
import weakref

NAMES = """
    argparse ast asyncio base64 bisect calendar cmd collections configparser contextlib copy csv
    dataclasses datetime decimal difflib dis email.message email.parser enum fractions functools
    glob gzip hashlib heapq html.parser http.client http.server imaplib inspect ipaddress json
    locale mailbox mimetypes numbers optparse pathlib pdb pickle pickletools platform plistlib
    pprint pydoc queue random shelve shlex shutil smtplib socket ssl statistics string subprocess
    tarfile tempfile textwrap timeit tokenize traceback types typing unittest urllib.request uuid
    xml.dom.minidom xml.etree.ElementTree xml.sax zipfile
""".split()

kept = set(sys.modules)
assert threading.__name__ in kept and weakref.__name__ in kept


def is_python(module):
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return isinstance(loader, importlib.machinery.SourceFileLoader)


loaded = 0
for repetition in range(5):
    for name in NAMES:
        importlib.import_module(name)
    fresh = [name for name in sys.modules if name not in kept and is_python(sys.modules[name])]
    loaded += len(fresh)
    for name in fresh:
        del sys.modules[name]
print(loaded)
