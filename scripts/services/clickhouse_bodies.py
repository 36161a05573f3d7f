"""Request bodies as ClickHouse takes them: of a told length or chunked, plain or compressed as Content-Encoding says.

A body that ends early is an error, never a shorter body.
"""

import bz2
import lzma
import zlib

import lz4.frame
import zstandard
from clickhouse_engine import Refused

BODY_MAX_BYTES = 1 << 30
LINE_MAX_BYTES = 1 << 16

DECOMPRESSORS = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": zlib.decompressobj,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "xz": lzma.LZMADecompressor,
    "bz2": bz2.BZ2Decompressor,
}
DAMAGED = {
    "zstd": (561, "ZSTD_DECODER_FAILED"),
    "lz4": (613, "LZ4_DECODER_FAILED"),
    "xz": (543, "LZMA_STREAM_DECODER_FAILED"),
}


def read_body(headers, stream, method):
    """The whole body, decompressed."""
    length = headers.get("Content-Length")
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body = b"".join(_chunks(stream))
    elif length is not None:
        body = _exactly(stream, int(length))
    elif method in ("POST", "PUT"):
        reason = "The Transfer-Encoding is not chunked and there is no Content-Length header for POST request"
        raise Refused(381, "HTTP_LENGTH_REQUIRED", reason)
    else:
        body = b""
    return _decompressed(body, headers.get("Content-Encoding", "").lower())


def _chunks(stream):
    left_bytes = BODY_MAX_BYTES
    while True:
        size = _line(stream).split(b";")[0]
        length = int(size, 16)
        if length == 0:
            break
        left_bytes -= length
        if left_bytes < 0:
            raise ConnectionError("the body is too large")
        yield _exactly(stream, length)
        _line(stream)
    while _line(stream).strip():
        pass


def _line(stream):
    line = stream.readline(LINE_MAX_BYTES)
    if not line.endswith(b"\n"):
        raise ConnectionError("the body ends early")
    return line


def _exactly(stream, length):
    if length > BODY_MAX_BYTES:
        raise ConnectionError("the body is too large")
    data = stream.read(length)
    if len(data) != length:
        raise ConnectionError("the body ends early")
    return data


def _decompressed(body, encoding):
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in DECOMPRESSORS:
        raise Refused(48, "NOT_IMPLEMENTED", f"Unknown compression method '{encoding}'")
    parts = []
    while body:
        decompressor = DECOMPRESSORS[encoding]()
        try:
            parts.append(decompressor.decompress(body))
        except (zlib.error, zstandard.ZstdError, lzma.LZMAError, RuntimeError, OSError) as error:
            raise Refused(*DAMAGED.get(encoding, (354, "ZLIB_INFLATE_FAILED")), str(error)) from error
        if not decompressor.eof:
            raise Refused(*DAMAGED.get(encoding, (354, "ZLIB_INFLATE_FAILED")), "the compressed body ends early")
        body = decompressor.unused_data
    return b"".join(parts)
