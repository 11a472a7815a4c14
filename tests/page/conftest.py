# SPDX-License-Identifier: GPL-2.0-or-later
"""A browser for the tests of the page, and profiles of real runs. Without Chromium, node or the libraries that make put into
the build folder, the tests are skipped with a sentence that says what is missing."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "package"))
import pack  # noqa: E402

Opened = collections.namedtuple("Opened", "results errors requests seconds")


@pytest.fixture(scope="session")
def bundle(build_directory):
    """The folder with the built script."""
    for folder in (pathlib.Path(build_directory), pack.SOURCE):
        if (folder / "page/dist/page.js").exists():
            return folder / "page/dist"
    pytest.skip("NOT TESTED: the page was not built: npm was missing when configure ran")


@pytest.fixture(scope="session")
def browser(build_directory, bundle, tmp_path_factory):
    """A function: browser(page, [step, argument ...] ...) opens a page and carries out steps of browser.mjs."""
    node, chromium = shutil.which("node"), shutil.which("chromium") or shutil.which("chromium-browser")
    modules = pathlib.Path(build_directory) / "page/node_modules"
    for found, what in ((node, "node is missing"), (chromium, "Chromium is missing: install the package chromium"),
                        ((modules / "playwright-core").exists(), "configure found no npm to fetch playwright-core")):
        if not found:
            pytest.skip("NOT TESTED: " + what)

    def open_page(page, *steps, scheme="light", width=1280):
        request = {"page": str(page), "scheme": scheme, "width": width, "steps": steps}
        folder = tmp_path_factory.mktemp("chromium")
        run = subprocess.run([node, str(HERE / "browser.mjs"), str(modules), chromium, str(folder)],
                             input=json.dumps(request), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                             timeout=300)
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        return Opened(answer["results"], answer["errors"], answer["requests"], answer["opened"])
    return open_page


@pytest.fixture(scope="session")
def make_page(build_directory, bundle, tmp_path_factory):
    """A function: runs pymemcheck html in a process of its own, and gives the page's path."""
    def run(*arguments):
        page = tmp_path_factory.mktemp("page") / "report.html"
        program = os.path.join(build_directory, "bin", "pymemcheck")
        command = [sys.executable, program, "html", *map(str, arguments), "-o", str(page)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", timeout=300)
        assert done.returncode == 0 and not done.stdout and not done.stderr, done
        return page
    return run


@pytest.fixture(scope="session")
def profiles(tool, release_python, tmp_path_factory):
    """Two profiles of a program that leaks and holds memory: before and after a change that makes it lose more."""
    release_python.compile_extensions(pack.LEAKY)
    script = tmp_path_factory.mktemp("job") / "job.py"
    paths = []
    for count, kept in (4, 2000), (25, 6000):
        script.write_text(JOB % {"count": count, "kept": kept})
        run = tool.run(release_python.path, script, env=release_python.env, options=("--leak-scan=both",))
        paths.append(run.directory / ("out.%d" % run.pid))
    return paths


JOB = '''\
import json
import os

import pm_leaky


class Cache:
    def __init__(self):
        self.kept = []

    def keep(self, number):
        self.kept.append("value %%d" %% number)


CACHE = Cache()


def fill_cache(count):
    for number in range(count):
        CACHE.keep(number)


def lose_lists(count):
    for _ in range(count):
        pm_leaky.lose_list()


def parse():
    return json.loads(json.dumps({str(number): [number] * 5 for number in range(200)}))


fill_cache(%(kept)d)
pm_leaky.take_reference(CACHE)
lose_lists(%(count)d)
parse()
'''
