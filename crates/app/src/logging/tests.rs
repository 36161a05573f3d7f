//! What is logged, for tests to read.

use std::io::Read;

use tracing_subscriber::layer::SubscriberExt;

use super::layer::LineLayer;
use super::{Lines, Style, parse_level};

/// What is logged with this level while `tell` runs, as JSON.
pub(super) fn logged_at(level: &str, tell: impl FnOnce()) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let lines = Lines::start(Box::new(writer), Style::Json).unwrap();
    let layer = LineLayer::new(lines.clone(), Style::Json);
    let subscriber = tracing_subscriber::registry().with(parse_level(level).unwrap()).with(layer);
    tracing::subscriber::with_default(subscriber, tell);
    lines.push("end\n");
    let mut text = String::new();
    let mut chunk = [0; 65_536];
    while !text.ends_with("end\n") {
        let count = reader.read(&mut chunk).unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
    text.trim_end_matches("end\n").to_owned()
}
