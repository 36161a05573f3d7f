"""ClickHouse's HTTP interface over its engine: what a client that inserts and selects needs of it.

    clickhouse_http.py DIR PORT [CERT KEY]

Not there, and refused rather than passed over: sessions, ClickHouse's own block compression (compress, decompress).
Answers are not compressed. Users are `default`, without a password, and `weir` with `weir-password`.
"""

import base64
import json
import ssl
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from clickhouse_bodies import read_body
from clickhouse_engine import Engine, Question, Refused

PASSWORDS = {"default": "", "weir": "weir-password"}
REFUSED = {"session_id", "compress", "decompress"}
# Every other parameter is a setting.
NO_SETTINGS = {"query", "database", "user", "password", "quota_key", "query_id", "default_format"} | {
    "wait_end_of_query", "buffer_size", "stacktrace", "client_protocol_version"
}  # fmt: skip
CONTENT_TYPES = {
    "CSV": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30

    def answer(self):
        url = urlsplit(self.path)
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        self.query_id = parameters.get("query_id") or str(uuid.uuid4())
        try:
            body = read_body(self.headers, self.rfile, self.command)
            if url.path == "/ping" or (url.path == "/" and not url.query and self.command in ("GET", "HEAD")):
                self.reply(200, b"Ok.\n")
            elif url.path != "/":
                self.reply(404, f"There is no handle {url.path}\n".encode())
            else:
                self.check_user(parameters)
                self.reply_with(self.server.engine.ask(self.question(parameters, body)))
        except Refused as refused:
            text = f"{refused.reason} (version {self.server.engine.version} (official build))\n"
            self.reply(refused.status, text.encode(), {"X-ClickHouse-Exception-Code": refused.code})
        except ConnectionError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def handle_expect_100(self):
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def check_user(self, parameters):
        user = parameters.get("user") or self.headers.get("X-ClickHouse-User")
        password = parameters.get("password") or self.headers.get("X-ClickHouse-Key")
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            user, _, password = base64.b64decode(credentials).decode().partition(":")
        user = user or "default"
        if PASSWORDS.get(user) != (password or ""):
            reason = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise Refused(516, "AUTHENTICATION_FAILED", reason)

    def question(self, parameters, body):
        for name in REFUSED & parameters.keys():
            if parameters[name] not in ("", "0"):
                raise Refused(48, "NOT_IMPLEMENTED", f"This server, made for tests, has no `{name}`")
        settings, values = {}, {}
        for name, value in parameters.items():
            if name.startswith("param_"):
                values[name.removeprefix("param_")] = value
            elif name not in NO_SETTINGS | REFUSED:
                settings[name] = value
        return Question(
            statement=parameters.get("query", "").encode(),
            body=body,
            database=parameters.get("database") or self.headers.get("X-ClickHouse-Database"),
            settings=settings,
            parameters=values,
            default_format=parameters.get("default_format") or self.headers.get("X-ClickHouse-Format"),
            read_only=self.command in ("GET", "HEAD"),
        )

    def reply_with(self, answer):
        # Numbers are strings there, and every name is there.
        names = ("read_rows", "read_bytes", "written_rows", "written_bytes", "elapsed_ns")
        summary = {name: str(answer.summary.get(name, 0)) for name in names}
        content_type = CONTENT_TYPES.get(answer.format, "application/octet-stream")
        headers = {"X-ClickHouse-Format": answer.format, "X-ClickHouse-Summary": json.dumps(summary)}
        self.reply(200, answer.data, headers, content_type)

    def reply(self, status, data, headers=None, content_type="text/plain; charset=UTF-8"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-ClickHouse-Query-Id", self.query_id)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        for name, value in (headers or {}).items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        """Requests are not logged: they may carry passwords."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, engine, port, certificate, key):
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            # The handshake is left to the connection's own thread.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


def main(directory, port, certificate=None, key=None):
    Server(Engine(directory), int(port), certificate, key).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
