//! One HTTP/1.1 message, as the bytes it came in.

use std::io::{self, Read};

const HEAD_MAX_BYTES: usize = 64 << 10;

/// A request or an answer, kept as it was sent.
pub struct Message {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

/// How the end of a body is known.
enum Framing {
    Length(usize),
    Chunked,
    None,
}

impl Message {
    /// The next request; `None` where the connection was closed instead.
    pub fn read_request(from: &mut impl Read) -> io::Result<Option<Self>> {
        let Some(head) = read_head(from)? else { return Ok(None) };
        let body = read_body(from, &framing(&head))?;
        Ok(Some(Self { head, body }))
    }

    /// The answer to a request; `bodyless` for one to HEAD.
    pub fn read_answer(from: &mut impl Read, bodyless: bool) -> io::Result<Self> {
        let head = read_head(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let framing = if bodyless { Framing::None } else { framing(&head) };
        let body = read_body(from, &framing)?;
        Ok(Self { head, body })
    }

    pub fn is_head(&self) -> bool {
        self.head.starts_with(b"HEAD ")
    }
}

fn read_head(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match read_byte(from) {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(head))
}

/// Slow, and exact: nothing of the next message is read.
fn read_byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn framing(head: &[u8]) -> Framing {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let header = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(known, value)| (known.trim(), value.trim())).find(|(known, _)| *known == name)
    };
    if header("transfer-encoding").is_some_and(|(_, value)| value.contains("chunked")) {
        return Framing::Chunked;
    }
    match header("content-length").and_then(|(_, value)| value.parse().ok()) {
        Some(length) => Framing::Length(length),
        None => Framing::None,
    }
}

fn read_body(from: &mut impl Read, framing: &Framing) -> io::Result<Vec<u8>> {
    match framing {
        Framing::None => Ok(Vec::new()),
        Framing::Length(length) => {
            let mut body = vec![0; *length];
            from.read_exact(&mut body)?;
            Ok(body)
        }
        Framing::Chunked => read_chunks(from),
    }
}

/// The chunks with their sizes, as sent.
fn read_chunks(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(from)?;
        body.extend_from_slice(&line);
        let size = String::from_utf8_lossy(&line);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        let begin = body.len();
        // The chunk and its line end; the last, empty one has only the latter.
        body.resize(begin + size + 2, 0);
        from.read_exact(&mut body[begin..])?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_line(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        if line.len() > HEAD_MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        line.push(read_byte(from)?);
    }
    Ok(line)
}
