//! The table: a name, and what is sent.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::here::{JWT_SECRET, KEY};

/// One request.
pub struct Case {
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    /// Whether the right key is sent along.
    pub with_key: bool,
    /// One byte a character.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(json_bodies().map(|(name, body)| event(name, &[], body.into_bytes())));
    cases.extend(byte_bodies().map(|(name, body)| event(name, &[], body)));
    cases.extend(
        packed_bodies().map(|(name, coding, body)| event(name, &[("content-encoding", coding)], body)),
    );
    cases.extend(headers().map(|(name, header, value)| event(name, &[(header, value)], VIEW.into())));
    let long = "a".repeat(256);
    cases.push(event("an idempotency key of 256 bytes", &[("idempotency-key", &long)], VIEW.into()));
    cases.extend(addresses().map(|(name, method, path)| Case {
        method,
        path,
        ..event(name, &[], VIEW.into())
    }));
    cases.extend(
        forgetting()
            .map(|(name, body)| Case { path: "/v1/sinks/picky/forget", ..event(name, &[], body.into()) }),
    );
    cases.extend(credentials().into_iter().map(|(name, value)| Case {
        with_key: false,
        ..event(name, &[("authorization", value.as_str())], VIEW.into())
    }));
    cases
}

const VIEW: &str = r#"{"page":"/","event":"view"}"#;

fn event(name: &'static str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Case {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Case { name, method: "POST", path: "/events", with_key: true, headers, body }
}

/// An event with one more member.
fn with(member: &str) -> String {
    format!(r#"{{"page":"/","event":"view",{member}}}"#)
}

fn json_bodies() -> impl Iterator<Item = (&'static str, String)> {
    let deep = |depth: usize, open: &str, close: &str| {
        with(&format!("\"param\":{}1{}", open.repeat(depth), close.repeat(depth)))
    };
    [
        ("empty body", String::new()),
        ("blanks only", " \n\t ".to_owned()),
        ("a word", "hello".to_owned()),
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("a number", "42".to_owned()),
        ("a string", "\"view\"".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("an empty array", "[]".to_owned()),
        ("an array of numbers", "[1,2]".to_owned()),
        ("an array in an array", format!("[[{VIEW}]]")),
        ("an array of nulls", "[null]".to_owned()),
        ("no closing brace", r#"{"page":"/","event":"view""#.to_owned()),
        ("no closing bracket", format!("[{VIEW}")),
        ("a comma too many in an object", r#"{"page":"/","event":"view",}"#.to_owned()),
        ("a comma too many in an array", format!("[{VIEW},]")),
        ("a comment", format!("// hello\n{VIEW}")),
        ("single quotes", "{'page':'/','event':'view'}".to_owned()),
        ("names without quotes", "{page:\"/\",event:\"view\"}".to_owned()),
        ("broken on the third line", "{\n\"page\": \"/\",\n\"event\" \"view\"\n}".to_owned()),
        ("NaN", with("\"param\":NaN")),
        ("Infinity", with("\"param\":-Infinity")),
        ("a hexadecimal number", with("\"param\":0x10")),
        ("a number with a leading zero", with("\"param\":007")),
        ("a number with a leading plus", with("\"param\":+1")),
        ("a number beyond every double", with("\"param\":1e400")),
        ("a number of 5000 digits", with(&format!("\"param\":{}", "9".repeat(5000)))),
        ("half a surrogate pair", with(r#""label":"\ud800""#)),
        ("the second half first", with(r#""label":"\udc00\ud800""#)),
        ("an escape that is none", with(r#""label":"\x41""#)),
        ("an escape cut short", with(r#""label":"\u12""#)),
        ("a NUL escaped", with(r#""label":"a\u0000b""#)),
        ("a control character unescaped", with("\"label\":\"a\u{1}b\"")),
        ("a line end within a string", with("\"label\":\"a\nb\"")),
        ("a thousand arrays deep", deep(1000, "[", "]")),
        ("a thousand objects deep", deep(1000, "{\"a\":", "}")),
        ("a hundred thousand open brackets", "[".repeat(100_000)),
        ("a hundred thousand open braces", "{\"a\":".repeat(100_000)),
        ("page twice", r#"{"page":"/","page":"/x","event":"view"}"#.to_owned()),
        ("an unknown member twice", with("\"x\":1,\"x\":2")),
        ("no page", r#"{"event":"view"}"#.to_owned()),
        ("no event", r#"{"page":"/"}"#.to_owned()),
        ("page null", r#"{"page":null,"event":"view"}"#.to_owned()),
        ("page empty", r#"{"page":"","event":"view"}"#.to_owned()),
        ("page a number", r#"{"page":7,"event":"view"}"#.to_owned()),
        ("page an object", r#"{"page":{"path":"/"},"event":"view"}"#.to_owned()),
        ("event an array", r#"{"page":"/","event":["view"]}"#.to_owned()),
        ("event a boolean", r#"{"page":"/","event":true}"#.to_owned()),
        ("PAGE in capitals", r#"{"PAGE":"/","event":"view"}"#.to_owned()),
        ("label a number", with("\"label\":7")),
        ("log_id empty", with("\"log_id\":\"\"")),
        ("log_id an object", with("\"log_id\":{}")),
        ("log_id of 600 bytes", with(&format!("\"log_id\":\"{}\"", "x".repeat(600)))),
        ("log_id a fraction", with("\"log_id\":1.5")),
        ("occurred_at yesterday", with("\"occurred_at\":\"yesterday\"")),
        ("occurred_at without an offset", with("\"occurred_at\":\"2026-01-01T00:00:00\"")),
        ("occurred_at on the 30th of February", with("\"occurred_at\":\"2026-02-30T00:00:00Z\"")),
        ("occurred_at beyond every calendar", with("\"occurred_at\":1e300")),
        ("occurred_at in the year 10000", with("\"occurred_at\":\"10000-01-01T00:00:00Z\"")),
        ("occurred_at an object", with("\"occurred_at\":{}")),
        ("occurred_at true", with("\"occurred_at\":true")),
        ("100,001 events", format!("{VIEW}\n").repeat(100_001)),
    ]
    .into_iter()
}

fn byte_bodies() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let utf16: Vec<u8> = VIEW.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        ("a byte that is not UTF-8", b"{\"page\":\"/\",\"event\":\"\xff\"}".to_vec()),
        ("an overlong slash", b"{\"page\":\"\xc0\xaf\",\"event\":\"view\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"page\":\"\xed\xa0\x80\",\"event\":\"view\"}".to_vec()),
        ("UTF-16", utf16),
        ("UTF-16 with a mark", b"\xff\xfe{\x00".to_vec()),
        ("NUL bytes", vec![0; 64]),
        ("latin-1", b"{\"page\":\"/caf\xe9\",\"event\":\"view\"}".to_vec()),
        ("gzip that is not said", gzip(VIEW)),
        ("protobuf", b"\x0a\x01/\x12\x04view".to_vec()),
        ("a form", b"page=%2F&event=view".to_vec()),
        ("XML", b"<event page=\"/\"/>".to_vec()),
        ("CSV", b"page,event\n/,view\n".to_vec()),
    ]
    .into_iter()
}

fn packed_bodies() -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    let whole = gzip(VIEW);
    let cut = whole[..whole.len() - 6].to_vec();
    let wrong_checksum = {
        let mut bytes = whole.clone();
        let place = bytes.len() - 8;
        bytes[place] ^= 1;
        bytes
    };
    let zstd = zstd::encode_all(VIEW.as_bytes(), 3).unwrap();
    let bomb = gzip(&" ".repeat(33 * 1024 * 1024));
    let nested_bomb = zstd::encode_all(bomb.as_slice(), 3).unwrap();
    [
        ("gzip cut short", "gzip", cut),
        ("gzip with a wrong checksum", "gzip", wrong_checksum),
        ("gzip with something behind it", "gzip", [whole.clone(), b"junk".to_vec()].concat()),
        ("gzip of nothing", "gzip", gzip("")),
        ("no gzip at all", "gzip", VIEW.into()),
        ("empty gzip", "gzip", Vec::new()),
        ("zstd cut short", "zstd", zstd[..zstd.len() - 3].to_vec()),
        ("zstd said, gzip sent", "zstd", whole.clone()),
        ("deflate said, text sent", "deflate", VIEW.into()),
        ("br said, text sent", "br", VIEW.into()),
        ("a gzip bomb", "gzip", bomb),
        ("a bomb in a bomb", "gzip, zstd", nested_bomb),
        ("an encoding that is not taken", "compress", whole.clone()),
        ("three encodings", "gzip, gzip, gzip", whole.clone()),
        ("an encoding that is no text", "\u{e9}", whole),
    ]
    .into_iter()
}

fn headers() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    [
        ("XML by its type", "content-type", "application/xml"),
        ("a form by its type", "content-type", "application/x-www-form-urlencoded"),
        ("a type that is no type", "content-type", "json"),
        ("a type that is no text", "content-type", "\u{e9}"),
        ("latin-1 by its charset", "content-type", "application/json; charset=iso-8859-1"),
        ("UTF-16 by its charset", "content-type", "application/json;charset=\"utf-16\""),
        ("an empty idempotency key", "idempotency-key", ""),
        ("an idempotency key that is no text", "idempotency-key", "a\u{ff}b"),
        ("a request id that would forge a line", "x-request-id", "a\" status=200 forged=\""),
        ("a device that is no text", "device-uuid", "\u{ff}\u{fe}"),
        ("a forwarded address from a stranger", "x-forwarded-for", "127.0.0.1"),
    ]
    .into_iter()
}

fn addresses() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    [
        ("a slash too many", "POST", "/events/"),
        ("another stream", "POST", "/v1/streams/none/events"),
        ("a stream that climbs", "POST", "/v1/streams/..%2f..%2fetc/events"),
        ("a stream with a NUL", "POST", "/v1/streams/%00/events"),
        ("a stream that is not UTF-8", "POST", "/v1/streams/%ff/events"),
        ("GET where events are posted", "GET", "/events"),
        ("PUT where events are posted", "PUT", "/events"),
        ("a method of one's own", "BREW", "/events"),
        ("atomic perhaps", "POST", "/events?atomic=perhaps"),
        ("atomic twice", "POST", "/events?atomic=true&atomic=false"),
        ("sinks by another order", "GET", "/v1/sinks?sort=name"),
        ("no sinks at all", "GET", "/v1/sinks?limit=0"),
        ("GET where a sink is paused", "GET", "/v1/sinks/picky/pause"),
        ("a sink that is not UTF-8", "POST", "/v1/sinks/%ff/pause"),
        ("a sink with a NUL", "POST", "/v1/sinks/%00/check"),
        ("a sink that climbs", "POST", "/v1/sinks/..%2fpicky/resume"),
        ("a thing that sinks do not do", "POST", "/v1/sinks/picky/swim"),
    ]
    .into_iter()
}

fn forgetting() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("forgetting without a body", ""),
        ("forgetting with a slip in the member", r#"{"confrim":"picky"}"#),
        ("forgetting confirmed by a number", r#"{"confirm":7}"#),
        ("forgetting a sink that is configured", r#"{"confirm":"picky"}"#),
    ]
    .into_iter()
}

fn credentials() -> Vec<(&'static str, String)> {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = |header: &str, claims: &str, secret: &str| {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    let good = signed(r#"{"alg":"HS256"}"#, r#"{"sub":"alice"}"#, JWT_SECRET);
    let other_claims = {
        let signature = good.rsplit_once('.').unwrap().1;
        format!("Bearer {}.{}.{signature}", encode(r#"{"alg":"HS256"}"#), encode(r#"{"sub":"admin"}"#))
    };
    vec![
        ("a wrong key", "Bearer wrong".to_owned()),
        ("half the key", format!("Bearer {}", &KEY[..4])),
        ("no scheme", KEY.to_owned()),
        ("an empty key", "Bearer ".to_owned()),
        ("a key that is no text", "Bearer \u{e9}".to_owned()),
        ("basic that is no base64", "Basic ???".to_owned()),
        ("basic with the key as user", format!("Basic {}", STANDARD.encode(format!("{KEY}:")))),
        ("a token of another secret", signed(r#"{"alg":"HS256"}"#, r#"{"sub":"admin"}"#, "another secret")),
        ("a token of an empty secret", signed(r#"{"alg":"HS256"}"#, r#"{"sub":"admin"}"#, "")),
        (
            "a token whose algorithm is none",
            format!("Bearer {}.{}.", encode(r#"{"alg":"none"}"#), encode(r#"{"sub":"admin"}"#)),
        ),
        (
            "a token whose algorithm is another",
            signed(r#"{"alg":"RS256"}"#, r#"{"sub":"admin"}"#, JWT_SECRET),
        ),
        ("a token with other claims", other_claims),
        ("a token without its signature", good.rsplit_once('.').unwrap().0.to_owned()),
        ("a token whose time is over", signed(r#"{"alg":"HS256"}"#, r#"{"sub":"a","exp":1}"#, JWT_SECRET)),
        (
            "a token whose time has not come",
            signed(r#"{"alg":"HS256"}"#, r#"{"sub":"a","nbf":9999999999}"#, JWT_SECRET),
        ),
        (
            "a token with a subject of 300 bytes",
            signed(r#"{"alg":"HS256"}"#, &format!(r#"{{"sub":"{}"}}"#, "a".repeat(300)), JWT_SECRET),
        ),
        ("a token whose claims are no object", signed(r#"{"alg":"HS256"}"#, "[]", JWT_SECRET)),
        ("a good token", good),
    ]
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
