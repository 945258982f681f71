"""The shop's list, book and home page with Flask, gunicorn and PyMySQL: a peer of the server for containers, for the benchmark.

It has the shape of the original bookstore: one process for each worker, one connection to MariaDB in each, queries and
templates in the handlers. It has no cursor, search, filter, ETag, compression, log or metric, so it does less than the
server that it is compared with.
"""

import os

import pymysql
from flask import Flask, abort, jsonify, render_template_string

LIMIT = 24
BOOKS = """
select b.id, b.title, b.byline, b.isbn, b.year, b.language, b.price, b.currency, b.stock, b.ratings_count
from books b
where b.withdrawn_at is null
"""
STARS = """
select book_id, cast(sum(stars * (imported + given)) / sum(imported + given) as double) mean
from star_counts
where book_id in %s
group by book_id
"""
HOME = """<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Anaquel</title></head><body><h1>Anaquel</h1>
{% for book in books %}<article><h2><a href="/books/{{ book.id }}">{{ book.title }}</a></h2><p>{{ book.byline }}</p>
<p>{{ book.price }} {{ book.currency }}</p><p>{{ book.mean or "-" }}</p></article>{% endfor %}</body></html>"""

app = Flask(__name__)
database = pymysql.connect(
    host=os.environ["DATABASE_HOST"],
    port=int(os.environ["DATABASE_PORT"]),
    user=os.environ["DATABASE_USER"],
    password=os.environ["DATABASE_PASSWORD"],
    database=os.environ["DATABASE_NAME"],
    autocommit=True,
    cursorclass=pymysql.cursors.DictCursor,
)


def popular():
    with database.cursor() as cursor:
        cursor.execute(BOOKS + "order by b.ratings_count desc, b.id desc limit %s", (LIMIT,))
        books = cursor.fetchall()
        cursor.execute(STARS, ([book["id"] for book in books],))
        means = {row["book_id"]: row["mean"] for row in cursor.fetchall()}
    return [book | {"mean": means.get(book["id"])} for book in books]


@app.get("/ready")
def ready():
    return "ok"


@app.get("/api/books")
def list_books():
    return jsonify(items=popular())


@app.get("/api/books/<int:number>")
def show_book(number):
    with database.cursor() as cursor:
        cursor.execute(BOOKS + "and b.id = %s", (number,))
        book = cursor.fetchone() or abort(404)
        cursor.execute(STARS, ([number],))
        mean = cursor.fetchone()
    return jsonify(book | {"mean": mean and mean["mean"]})


@app.get("/")
def home():
    return render_template_string(HOME, books=popular())
