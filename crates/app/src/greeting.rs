//! What a server says to whoever started it: where it listens, where the data is, and once, the key it made.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use crate::data_dir::MadeKey;

/// What is worth knowing at the start.
pub struct Greeting<'a> {
    /// Where it listens.
    pub listening: SocketAddr,
    /// Whether TLS is spoken there.
    pub is_encrypted: bool,
    /// Where `/store` is served as well.
    pub store: Option<SocketAddr>,
    /// Where gRPC is served as well.
    pub grpc: Option<SocketAddr>,
    /// Where the probes and `/metrics` are served as well.
    pub admin: Option<SocketAddr>,
    /// What it does, where that is not everything.
    pub role: Option<String>,
    /// Where everything is kept.
    pub data_dir: &'a Path,
    /// The key that was made, where none was set.
    pub made_key: Option<&'a MadeKey>,
}

impl Greeting<'_> {
    /// Prints it to standard output, and never to the log: that is kept and shipped, and no place for a key.
    pub fn print(&self) {
        // Nobody may be reading; that keeps no server from serving.
        let _ = std::io::stdout().write_all(self.text().as_bytes());
    }

    fn text(&self) -> String {
        let data_dir = std::path::absolute(self.data_dir).unwrap_or_else(|_| self.data_dir.to_owned());
        let scheme = if self.is_encrypted { "https" } else { "http" };
        let mut lines = vec![
            format!("weir {}", env!("CARGO_PKG_VERSION")),
            format!("  listening on  {scheme}://{}", self.listening),
            format!("  data in       {}", data_dir.display()),
        ];
        lines.extend(self.role.as_ref().map(|role| format!("  role          {role}")));
        lines.extend(self.store.map(|store| format!("  /store on     {scheme}://{store}/store")));
        lines.extend(self.grpc.map(|grpc| format!("  gRPC on       {scheme}://{grpc}")));
        lines.extend(self.admin.map(|admin| format!("  metrics on    http://{admin}/metrics")));
        lines.extend(self.made_key.map(|made| match made.is_new {
            true => format!(
                "  API key       {}\n                made just now, kept in {}",
                made.key.expose(),
                made.path.display()
            ),
            false => format!("  API key       in {}", made.path.display()),
        }));
        lines.join("\n") + "\n"
    }
}
