"""ClickHouse's HTTP interface on top of chdb, as far as it is spoken here: a query in the URL, with
the rest of it in the body, and parameters by the names of `param_…`.

Usage: server.py DIRECTORY PORT
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

session = Session(sys.argv[1])
one_at_a_time = Lock()


class Interface(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        query = "\n".join(part for part in (asked.get("query"), body) if part)
        prefix = "param_"
        params = {k[len(prefix) :]: v for k, v in asked.items() if k.startswith(prefix)}
        try:
            with one_at_a_time:
                rows = session.query(query, asked.get("default_format", "TabSeparated"), params=params)
            self.answer(200, str(rows))
        except Exception as error:
            self.answer(400, str(error))

    def answer(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Interface)
print(server.server_port, flush=True)
server.serve_forever()
