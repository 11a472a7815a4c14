# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that use large packages as their users do, and lose nothing: clean_programs.py NAME. The docstring of each function
names the Debian package that it needs."""
import sys


def pandas():
    """python3-pandas"""
    import pandas
    rows = pandas.DataFrame({"town": ["a", "b", "a", "c"] * 25, "size": range(100), "weight": [i / 7 for i in range(100)]})
    for _ in range(3):
        sums = rows.groupby("town")["size"].sum()
        both = rows.merge(sums.rename("total"), left_on="town", right_index=True)
        text = both.sort_values("weight").head(5).to_csv()
    assert sums["b"] == sum(range(1, 100, 4))
    assert text.startswith(",town,size,weight,total\n")


def scipy():
    """python3-scipy"""
    import numpy
    from scipy import integrate, linalg, optimize, sparse
    for size in (3, 4, 5):
        matrix = numpy.eye(size) * 2 + 1
        assert numpy.allclose(linalg.inv(matrix) @ matrix, numpy.eye(size))
        assert abs(integrate.quad(lambda x: x * x, 0, 3)[0] - 9) < 1e-9
        assert abs(optimize.brentq(lambda x: x * x - 2, 0, 2) - 2 ** 0.5) < 1e-9
        assert sparse.csr_matrix(matrix).sum() == matrix.sum()


def lxml():
    """python3-lxml"""
    from lxml import etree
    for number in range(20):
        root = etree.fromstring("<all>" + "".join("<one n='%d'>text</one>" % i for i in range(number)) + "</all>")
        assert len(root.xpath("//one[@n mod 2 = 1]")) == number // 2
        style = etree.XSLT(etree.fromstring(
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            '<xsl:template match="/"><n><xsl:value-of select="count(//one)"/></n></xsl:template></xsl:stylesheet>'))
        assert str(style(root)).strip().endswith("<n>%d</n>" % number)
        try:
            etree.fromstring("<broken")
        except etree.XMLSyntaxError as error:
            assert "broken" in str(error) or error.lineno == 1


def requests():
    """python3-requests"""
    import http.server
    import threading
    import requests

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.path.encode()
            self.send_response(200 if self.path != "/missing" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = "http://127.0.0.1:%d" % server.server_port
        with requests.Session() as session:
            session.trust_env = False
            for number in range(10):
                assert session.get("%s/%d" % (address, number), params={"q": "x"}).text == "/%d?q=x" % number
            try:
                session.get(address + "/missing").raise_for_status()
                raise AssertionError("no error")
            except requests.HTTPError as error:
                assert error.response.status_code == 404
        server.shutdown()
        thread.join()


def sqlalchemy():
    """python3-sqlalchemy"""
    from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, func, select
    from sqlalchemy.orm import Session, declarative_base, relationship
    Base = declarative_base()

    class Author(Base):
        __tablename__ = "author"
        id = Column(Integer, primary_key=True)
        name = Column(String(40))
        books = relationship("Book", back_populates="author")

    class Book(Base):
        __tablename__ = "book"
        id = Column(Integer, primary_key=True)
        title = Column(String(40))
        author_id = Column(ForeignKey("author.id"))
        author = relationship("Author", back_populates="books")

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(20):
            session.add(Author(name="a%d" % number, books=[Book(title="b%d" % i) for i in range(number % 4)]))
        session.commit()
        assert session.execute(select(func.count(Book.id))).scalar() == 30
        found = session.execute(select(Author).where(Author.name == "a7")).scalar_one()
        assert [book.title for book in found.books] == ["b0", "b1", "b2"]
    engine.dispose()


def flask():
    """python3-flask"""
    import flask
    app = flask.Flask(__name__)
    app.secret_key = "secret"

    @app.route("/hello/<name>")
    def hello(name):
        flask.session["seen"] = flask.session.get("seen", 0) + 1
        return flask.render_template_string("Hello {{ name }}, {{ n }} times", name=name, n=flask.session["seen"])

    @app.route("/wrong")
    def wrong():
        flask.abort(403)

    with app.test_client() as client:
        for number in range(1, 11):
            assert client.get("/hello/<you>").text == "Hello &lt;you&gt;, %d times" % number
        assert client.get("/wrong").status_code == 403 and client.get("/nowhere").status_code == 404


def django():
    """python3-django"""
    import django
    from django.conf import settings
    settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="secret", INSTALLED_APPS=[],
                       DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
                       TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
    django.setup()
    from django.db import connection
    from django.http import HttpResponse
    from django.template import engines
    from django.test import Client
    from django.urls import path

    def page(request, number):
        template = engines["django"].from_string("{% for i in all %}{{ i|add:1 }},{% endfor %}")
        with connection.cursor() as cursor:
            cursor.execute("select %s + 1", [number])
            return HttpResponse(template.render({"all": range(cursor.fetchone()[0])}))

    globals()["urlpatterns"] = [path("page/<int:number>", page)]
    client = Client()
    for number in range(5):
        assert client.get("/page/%d" % number).content.decode() == "".join("%d," % (i + 1) for i in range(number + 1))
    assert client.get("/nowhere").status_code == 404


def pytest():
    """python3-pytest"""
    import os
    import tempfile
    import pytest
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "test_it.py"), "w", encoding="utf-8") as stream:
            stream.write("import pytest\n@pytest.fixture\ndef number():\n    yield 3\n"
                         "@pytest.mark.parametrize('n', range(5))\ndef test_it(number, n, tmp_path):\n"
                         "    (tmp_path / 'f').write_text('x')\n    assert number > n or n >= 3\n"
                         "def test_fails():\n    assert [1, 2] == [1, 3]\n")
        assert pytest.main(["-q", "-p", "no:cacheprovider", folder]) == 1


def aiohttp():
    """python3-aiohttp"""
    import asyncio
    import aiohttp
    from aiohttp import web

    async def answer(request):
        return web.json_response({"path": request.path, "body": await request.text()})

    async def talk(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + "!")
        return socket

    async def main():
        app = web.Application()
        app.add_routes([web.post("/{name}", answer), web.get("/talk", talk)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = "http://127.0.0.1:%d" % runner.addresses[0][1]
        async with aiohttp.ClientSession() as session:
            for number in range(10):
                async with session.post("%s/%d" % (address, number), data="x" * number) as response:
                    assert await response.json() == {"path": "/%d" % number, "body": "x" * number}
            async with session.ws_connect(address + "/talk") as socket:
                await socket.send_str("hello")
                assert await socket.receive_str() == "hello!"
        await runner.cleanup()

    asyncio.run(main())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
