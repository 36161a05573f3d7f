"""ClickHouse's own engine, a session of its own for each request.

What is not the engine's is kept as a ClickHouse server does it: where a statement ends and its rows begin, and which
HTTP status an error has.
"""

import os
import re
import time
from dataclasses import dataclass, field

import chdb

# The end of an INSERT's head, before its rows. Not so for INSERT … SELECT, which has none.
ROWS_FOLLOW = re.compile(
    rb"\s*(?P<head>INSERT\s+INTO\s(?:(?!\bSELECT\b).)+?)\s+(?:FORMAT\s+(?P<format>\w+)|VALUES\b)[ \t\r]*\n?",
    re.IGNORECASE | re.DOTALL,
)
INSERT_WITHOUT_FORMAT = re.compile(rb"\s*INSERT\s+INTO\s(?!.*\bSELECT\b)", re.IGNORECASE | re.DOTALL)
OUTPUT_FORMAT = re.compile(r"\bFORMAT\s+(\w+)(?:\s+SETTINGS\s[^;]*)?[\s;]*$", re.IGNORECASE)
SETTINGS_FOLLOW = re.compile(r"\s+(?=SETTINGS\s+\w+\s*=)", re.IGNORECASE)
ENGINE_ERROR = re.compile(r"Code: (\d+)\. (?:DB::)+Exception: (.*)\((\w+)\)", re.DOTALL)
# What the engine adds to an error in rows because it has them from a file.
OF_THE_FILE = re.compile(
    r"^Code: \d+\. (?:DB::)+Exception: (?=.*was parsed from file)|: \(in file/uri [^)]*\)"
    r"|: While executing File: data for INSERT was parsed from file\..*",
    re.DOTALL,
)

STATUSES = {
    400: """BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME
        CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_ESCAPE_SEQUENCE CANNOT_PARSE_INPUT_ASSERTION_FAILED
        CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6 CANNOT_PARSE_NUMBER CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_TEXT
        CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN INCORRECT_DATA SYNTAX_ERROR THERE_IS_NO_COLUMN TOO_BIG_AST
        TOO_DEEP_AST TYPE_MISMATCH UNEXPECTED_AST_STRUCTURE UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE
        VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE""",
    401: "REQUIRED_PASSWORD",
    403: "ACCESS_DENIED AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE UNKNOWN_USER WRONG_PASSWORD",
    404: """UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_DATABASE UNKNOWN_DATABASE_ENGINE UNKNOWN_DIRECTION_OF_SORTING
        UNKNOWN_FORMAT UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_ROLE UNKNOWN_SETTING UNKNOWN_STORAGE UNKNOWN_TABLE
        UNKNOWN_TYPE UNKNOWN_TYPE_OF_QUERY""",
    408: "TIMEOUT_EXCEEDED",
    411: "HTTP_LENGTH_REQUIRED",
    413: "QUERY_IS_TOO_LARGE",
    501: "NOT_IMPLEMENTED",
    503: "CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK SOCKET_TIMEOUT",
}
STATUS_OF = {name: status for status, names in STATUSES.items() for name in names.split()}


class Refused(Exception):
    """An error in ClickHouse's words."""

    def __init__(self, code, name, message):
        super().__init__(message)
        self.code = code
        self.status = STATUS_OF.get(name, 500)
        self.reason = f"Code: {code}. DB::Exception: {message} ({name})"


@dataclass
class Question:
    """The statement may stand apart, or in the body, or be in both, one after the other."""

    statement: bytes
    body: bytes
    database: str | None = None
    settings: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    default_format: str | None = None
    read_only: bool = False


@dataclass
class Answer:
    data: bytes
    format: str
    summary: dict


class Engine:
    """Keeps the data directory open for as long as the process runs."""

    def __init__(self, directory):
        self._directory = directory
        self._open = chdb.connect(directory)
        self.version = self._open.query("SELECT version()", "TSV").bytes().decode().strip()

    def ask(self, question):
        """The answer, or Refused."""
        started_ns = time.monotonic_ns()
        session = chdb.connect(self._directory)
        try:
            _prepare(session, question)
            answer = _run(session, question)
        except (RuntimeError, ValueError) as error:
            raise _refusal(error) from error
        finally:
            session.close()
        answer.summary["elapsed_ns"] = time.monotonic_ns() - started_ns
        return answer


def _prepare(session, question):
    if question.database:
        session.query("USE `" + question.database.replace("\\", "\\\\").replace("`", "\\`") + "`")
    wanted = dict(question.settings)
    wanted.update({f"param_{name}": value for name, value in question.parameters.items()})
    if question.read_only:
        wanted["readonly"] = "2"
    for name in wanted:
        if not re.fullmatch(r"\w+", name):
            raise Refused(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'.")
    if wanted:
        session.query("SET " + ", ".join(f"{name} = {_quoted(value)}" for name, value in wanted.items()))


def _quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _run(session, question):
    statement, body = question.statement, question.body
    text = statement + b"\n" + body if statement and body else statement or body
    found = ROWS_FOLLOW.match(text)
    if found:
        row_format = (found["format"] or b"Values").decode()
        return _insert(session, found["head"].decode(), row_format, text[found.end() :])
    if statement and body and INSERT_WITHOUT_FORMAT.match(statement):
        return _insert(session, statement.decode(), question.default_format or "Values", body)
    return _query(session, text.decode(), question.default_format or "TabSeparated")


def _insert(session, head, row_format, rows):
    # From a file, as the engine's own way to stream rows in says that all is well where its last step has failed: on a
    # full disk, say.
    target, *settings = SETTINGS_FOLLOW.split(head, maxsplit=1)
    body = os.memfd_create("rows")
    try:
        with open(body, "wb", closefd=False) as file:
            file.write(rows)
        source = " ".join([f"FROM INFILE '/proc/self/fd/{body}'", *settings])
        written = session.query(f"{target} {source} FORMAT {row_format}")
    finally:
        os.close(body)
    summary = {"written_rows": written.rows_written(), "written_bytes": written.bytes_written()}
    return Answer(b"", row_format, summary)


def _query(session, text, default_format):
    result = session.query(text, default_format)
    named = OUTPUT_FORMAT.search(text)
    summary = {"read_rows": result.rows_read(), "read_bytes": result.bytes_read()}
    return Answer(result.bytes() or b"", named[1] if named else default_format, summary)


def _refusal(error):
    found = ENGINE_ERROR.search(str(error))
    if found is None:
        return Refused(1002, "UNKNOWN_EXCEPTION", str(error))
    return Refused(int(found[1]), found[3], OF_THE_FILE.sub("", found[2]).strip())
