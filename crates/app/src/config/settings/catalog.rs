//! `[catalog]`: where accounts and dead letters are kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::key::Key;
use crate::config::problem::Report;

/// The catalog's database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogSettings {
    /// `sqlite:PATH`, `sqlite://PATH` or `sqlite:///ABSOLUTE/PATH`.
    pub url: String,
}

/// What a catalog's URL means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { url: "sqlite:data/catalog.db".to_owned() }
    }
}

impl CatalogSettings {
    /// What the URL means; else what is wrong with it and what to do.
    pub fn location(&self) -> Result<CatalogLocation, (String, String)> {
        let url = self.url.trim();
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => sqlite_path(url).map(CatalogLocation::Sqlite),
            "postgres" | "postgresql" => Err((
                "names a Postgres database, which this version cannot keep its catalog in".to_owned(),
                "Use a file, such as \"sqlite:data/catalog.db\", or leave it out.".to_owned(),
            )),
            _ => Err((
                "is no catalog that Weir knows".to_owned(),
                "Write \"sqlite:PATH\", such as \"sqlite:data/catalog.db\", or leave it out.".to_owned(),
            )),
        }
    }

    pub(super) fn check(&self, report: &mut Report<'_>) {
        if let Err((what, remedy)) = self.location() {
            report.wrong(&Key::of(["catalog", "url"]), what, remedy);
        }
    }
}

/// `sqlite:a`, `sqlite://a` and `sqlite:./a` are relative to the working directory; `sqlite:/a` and `sqlite:///a`
/// are absolute. What other programs add behind `?` (such as `mode=rwc`) is passed over.
fn sqlite_path(url: &str) -> Result<PathBuf, (String, String)> {
    let rest = url.strip_prefix("sqlite:").unwrap_or_default();
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path.ends_with('/') {
        let remedy = "Name a file, such as \"sqlite:data/catalog.db\".";
        return Err(("names no file".to_owned(), remedy.to_owned()));
    }
    if path.starts_with(":memory:") {
        let remedy = "Name a file: the catalog must outlive the process.";
        return Err(("is in memory".to_owned(), remedy.to_owned()));
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str) -> Result<CatalogLocation, (String, String)> {
        CatalogSettings { url: url.to_owned() }.location()
    }

    #[test]
    fn every_way_to_write_a_sqlite_file_is_understood() {
        for (url, path) in [
            ("sqlite:data/catalog.db", "data/catalog.db"),
            ("sqlite://sqlite3.db", "sqlite3.db"),
            ("sqlite://./a/b.db?mode=rwc", "./a/b.db"),
            ("sqlite:///var/lib/weir.db", "/var/lib/weir.db"),
            ("sqlite:/var/lib/weir.db", "/var/lib/weir.db"),
        ] {
            assert_eq!(location(url).unwrap(), CatalogLocation::Sqlite(path.into()), "{url}");
        }
    }

    #[test]
    fn what_cannot_keep_a_catalog_is_refused() {
        for url in ["", "sqlite:", "sqlite://", "sqlite::memory:", "sqlite:data/", "mysql://x", "data.db"] {
            assert!(location(url).is_err(), "{url}");
        }
        let (what, _) = location("postgres://u:pw@h/db").unwrap_err();
        assert!(what.contains("Postgres") && !what.contains("pw"), "{what}");
    }
}
