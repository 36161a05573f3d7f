//! What a server says to whoever started it.

use std::net::SocketAddr;
use std::path::Path;

use super::output;
use crate::data_dir::MadeKey;

/// What is worth knowing at the start.
pub struct Greeting<'a> {
    /// Where it listens.
    pub listening: SocketAddr,
    /// Where `/metrics` and the probes are served as well.
    pub admin: Option<SocketAddr>,
    /// Where everything is kept.
    pub data_dir: &'a Path,
    /// The key that was made, where none was set.
    pub made_key: Option<&'a MadeKey>,
}

/// Prints it to standard output, whatever logs say elsewhere. Nobody may be reading; that keeps no server from
/// serving.
pub fn greet(greeting: &Greeting<'_>) {
    let _ = output::print(&text(greeting));
}

/// A key that was made just now is shown, this once; logs are no place for it.
fn text(greeting: &Greeting<'_>) -> String {
    let path = std::path::absolute(greeting.data_dir).unwrap_or_else(|_| greeting.data_dir.to_owned());
    let mut text = format!("weir {}\n", env!("CARGO_PKG_VERSION"));
    text.push_str(&format!("  listening on  http://{}\n", greeting.listening));
    if let Some(admin) = greeting.admin {
        text.push_str(&format!("  metrics at    http://{admin}/metrics\n"));
    }
    text.push_str(&format!("  data in       {}\n", path.display()));
    match greeting.made_key {
        Some(made) if made.is_new => {
            text.push_str(&format!("  API key       {}\n", made.key.expose()));
            text.push_str(&format!("                made just now and kept in {}\n", made.path.display()));
        }
        Some(made) => text.push_str(&format!("  API key       in {}\n", made.path.display())),
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn the_key_is_shown_when_it_was_made_and_later_only_where_it_is() {
        let mut made = MadeKey { key: Secret::new("weir_abc"), path: "data/api-key".into(), is_new: true };
        let listening = SocketAddr::from(([127, 0, 0, 1], 8080));
        let said = |made: &MadeKey| {
            text(&Greeting { listening, admin: None, data_dir: Path::new("/d"), made_key: Some(made) })
        };
        let first = said(&made);
        assert!(
            first.contains("http://127.0.0.1:8080") && first.contains("/d") && first.contains("weir_abc")
        );
        made.is_new = false;
        let later = said(&made);
        assert!(!later.contains("weir_abc") && later.contains("data/api-key"), "{later}");
    }
}
