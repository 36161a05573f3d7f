//! `[catalog]`: where accounts, dead letters and lineage are kept.
//!
//! **Constraint.** An address of Postgres may hold a password, so nothing shows it as it stands.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_connect::postgres::PostgresAddress;

use super::sinks::TlsSettings;
use super::sinks::postgres::insists_on_tls;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::masked::masked;
use crate::config::problem::Report;
use crate::secret::Secret;

/// The catalog's database.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogSettings {
    /// `sqlite:PATH`, `sqlite://PATH` or `sqlite:///ABSOLUTE/PATH`; or `postgres://…` for lineage, while accounts stay in a
    /// file of this instance.
    pub url: String,
    /// The password to Postgres, where it is not in `url`.
    pub password: Option<Secret>,
    /// Whom to trust, and as whom to show oneself.
    pub tls: Option<TlsSettings>,
}

/// What a catalog's URL means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres database.
    Postgres,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { url: "sqlite:data/catalog.db".to_owned(), password: None, tls: None }
    }
}

impl fmt::Debug for CatalogSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogSettings")
            .field("url", &masked(&self.url))
            .field("password", &self.password)
            .field("tls", &self.tls)
            .finish()
    }
}

impl CatalogSettings {
    /// What the URL means; else what is wrong with it and what to do.
    pub fn location(&self) -> Result<CatalogLocation, (String, String)> {
        let url = self.url.trim();
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => sqlite_path(url).map(CatalogLocation::Sqlite),
            "postgres" | "postgresql" => match self.postgres_address(&Default::default()) {
                Ok(_) => Ok(CatalogLocation::Postgres),
                Err(why) => Err((
                    format!("is no address of Postgres: {}", why.0.trim_start_matches("url: ")),
                    "Write \"postgres://USER:PASSWORD@HOST:PORT/DATABASE\", with ?sslmode=verify-full for TLS.".to_owned(),
                )),
            },
            _ => Err((
                "is no catalog that Weir knows".to_owned(),
                "Write \"sqlite:PATH\", such as \"sqlite:data/catalog.db\", or \"postgres://…\", or leave it out.".to_owned(),
            )),
        }
    }

    /// How Postgres is reached, by TLS files that may stand beside its address.
    pub fn postgres_address(
        &self,
        tls: &weir_connect::tls::TlsSettings,
    ) -> Result<PostgresAddress, weir_connect::SettingsError> {
        PostgresAddress::parse(self.url.trim(), self.password.as_ref().map(Secret::expose), tls)
    }

    /// Where accounts and dead letters are kept: an instance's own, beside its log.
    pub fn accounts_path(&self, data_dir: &Path) -> PathBuf {
        match self.location() {
            Ok(CatalogLocation::Sqlite(path)) => path,
            Ok(CatalogLocation::Postgres) | Err(_) => data_dir.join("catalog.db"),
        }
    }

    /// The file in which lineage is kept, beside the accounts; `None` where it is in Postgres.
    pub fn lineage_path(&self) -> Option<PathBuf> {
        let CatalogLocation::Sqlite(catalog) = self.location().ok()? else { return None };
        Some(catalog.with_file_name("lineage.db"))
    }

    /// Where the rows about files are kept: beside the accounts.
    pub fn files_path(&self, data_dir: &Path) -> PathBuf {
        self.accounts_path(data_dir).with_file_name("files.db")
    }

    pub(super) fn check(&self, report: &mut Report<'_>) {
        let key = Key::of(["catalog"]);
        let url = key.child("url");
        let location = match self.location() {
            Ok(location) => location,
            Err((what, remedy)) => return report.wrong(&url, what, remedy),
        };
        if location == CatalogLocation::Postgres {
            let is_encrypted = insists_on_tls(&self.url, self.tls.is_some());
            warn_if_exposed(&url, &self.url, is_encrypted, self.password.is_some(), report);
            if let Some(tls) = &self.tls {
                tls.check(&key.child("tls"), true, report);
            }
            return;
        }
        let stray = [("password", self.password.is_some()), ("tls", self.tls.is_some())];
        for (name, _) in stray.into_iter().filter(|(_, is_there)| *is_there) {
            let remedy = "Leave it out, or write url = \"postgres://…\".";
            report.wrong(&key.child(name), "stands beside a file of SQLite, which has none", remedy);
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
        CatalogSettings { url: url.to_owned(), ..CatalogSettings::default() }.location()
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
        let (what, _) = location("postgres://u:hunter2@h/db?sslmode=hunter2").unwrap_err();
        assert!(what.contains("sslmode") && !what.contains("hunter2"), "{what}");
    }

    #[test]
    fn lineage_may_be_in_postgres_while_accounts_stay_in_a_file_beside_the_log() {
        let url = "postgres://u:hunter2@h/db".to_owned();
        let settings = CatalogSettings { url, ..CatalogSettings::default() };
        assert_eq!(settings.location(), Ok(CatalogLocation::Postgres));
        assert_eq!(settings.lineage_path(), None);
        assert_eq!(settings.accounts_path(Path::new("d")), Path::new("d/catalog.db"));
        assert_eq!(settings.files_path(Path::new("d")), Path::new("d/files.db"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
