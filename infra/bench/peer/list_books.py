"""The list of the most popular books as a function in Python: a peer of `list-books`, for the benchmark.

It does what a short handler does, with the usual libraries: parameters from SSM by boto3 and a connection by PyMySQL in the
init phase, two queries and JSON for each request. It has no cursor, search, filter, cover, ETag, compression, log or metric,
so it does less than the function that it is compared with. The loop at the end stands for AWS's runtime interface client.
"""

import http.client
import json
import os
import ssl

import boto3
import pymysql

LIMIT = 24
LIST = """
select b.id, b.title, b.byline, b.isbn, b.year, b.language, b.price, b.currency, b.stock, b.ratings_count, b.updated_at
from books b
where b.withdrawn_at is null
order by b.ratings_count desc, b.id desc
limit %s
"""
STARS = """
select book_id, cast(sum(stars * (imported + given)) / sum(imported + given) as double)
from star_counts
where book_id in %s
group by book_id
"""


def parameters():
    names = os.environ["ANAQUEL_PARAMETERS"].split(",")
    ssm = boto3.client("ssm", region_name=os.environ["AWS_REGION"], verify=os.environ.get("SSL_CERT_FILE"))
    found = {}
    for start in range(0, len(names), 10):
        answer = ssm.get_parameters(Names=names[start : start + 10], WithDecryption=True)
        found |= {"/".join(each["Name"].split("/")[3:]): each["Value"] for each in answer["Parameters"]}
    return found


def connect(values):
    # As the functions do on this machine: TLS if the server has it.
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    login = {
        "host": values["database/host"],
        "port": int(values["database/port"]),
        "user": values["database/reader/user"],
        "password": values["database/reader/password"],
        "database": values["database/name"],
        "autocommit": True,
    }
    try:
        return pymysql.connect(**login, ssl=unverified)
    except pymysql.err.OperationalError:
        return pymysql.connect(**login)


def book(row, means):
    id, title, byline, isbn, year, language, price, currency, stock, count, updated_at = row
    return {
        "id": id,
        "title": title,
        "byline": byline,
        "isbn": isbn,
        "year": year,
        "language": language,
        "price": price and {"minor": price, "currency": currency},
        "stock": stock,
        "availability": "in_stock" if stock else "out_of_stock",
        "ratings": {"count": count, "mean": means.get(id)},
        "url": f"https://shop.example/books/{id}",
        "updated_at": f"{updated_at.isoformat(timespec='milliseconds')}Z",
    }


def handler(event, connection):
    with connection.cursor() as cursor:
        cursor.execute(LIST, (LIMIT,))
        rows = cursor.fetchall()
        cursor.execute(STARS, ([row[0] for row in rows],))
        means = dict(cursor.fetchall())
    body = json.dumps({"items": [book(row, means) for row in rows]}, ensure_ascii=False)
    return {
        "statusCode": 200,
        "multiValueHeaders": {"content-type": ["application/json"]},
        "body": body,
        "isBase64Encoded": False,
    }


def main():
    connection = connect(parameters())
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        event = runtime.getresponse()
        request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
        response = json.dumps(handler(json.loads(event.read()), connection))
        runtime.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", response.encode())
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
