//! Where the server is, and how it is reached: a URL as libpq reads it.
//!
//! **Constraint.** The URL may hold a password, so no error shows any of it but the names of its parameters.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode};

use crate::SettingsError;
use crate::tls::{TlsSettings, Trust};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const EXPECTED: &str = "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…";

/// All that it takes to connect.
#[derive(Clone)]
pub struct PostgresAddress {
    pub(super) config: Config,
    pub(super) tls: TlsSettings,
    /// What is asked of the server's certificate, where there is TLS.
    pub(super) trust: Trust,
    /// Host, port and database, as they may be shown.
    shown: String,
}

impl PostgresAddress {
    /// Reads it. TLS files may stand in the URL, as libpq has them, or beside it.
    pub fn parse(url: &str, password: Option<&str>, tls: &TlsSettings) -> Result<Self, SettingsError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(SettingsError(format!("url: {EXPECTED}")));
        }
        let (plain, parameters) = split(url)?;
        let mut config: Config =
            plain.parse().map_err(|error| SettingsError(format!("url: {}; {EXPECTED}", why(&error))))?;
        if let Some(password) = password {
            if config.get_password().is_some() {
                return Err(wrong("a password is set beside it too; keep one of them"));
            }
            config.password(password);
        }
        if config.get_hosts().is_empty() || config.get_user().is_none_or(str::is_empty) {
            return Err(SettingsError(format!("url: it names no host or no user; {EXPECTED}")));
        }
        if config.get_channel_binding() == ChannelBinding::Require {
            return Err(wrong("channel_binding=require is not supported; use sslmode=verify-full"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("weir");
        }
        let tls = parameters.files(tls)?;
        let (mode, trust) = parameters.mode(&tls)?;
        config.ssl_mode(mode);
        Ok(Self { shown: shown(&config), config, tls, trust })
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

/// What the driver does not read itself.
#[derive(Default)]
struct Parameters {
    mode: Option<String>,
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
}

/// The URL without them.
fn split(url: &str) -> Result<(String, Parameters), SettingsError> {
    let mut parameters = Parameters::default();
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), parameters)) };
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| wrong("a parameter has no value"))?;
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "sslmode" => parameters.mode = Some(value),
            "sslrootcert" => parameters.ca = Some(value),
            "sslcert" => parameters.cert = Some(value),
            "sslkey" => parameters.key = Some(value),
            _ => others.push(pair),
        }
    }
    Ok((format!("{base}?{}", others.join("&")), parameters))
}

impl Parameters {
    fn files(&self, beside: &TlsSettings) -> Result<TlsSettings, SettingsError> {
        let ca = self.ca.clone().filter(|path| path != "system");
        let one = |name: &str, inside: &Option<String>, beside: &Option<PathBuf>| match (inside, beside) {
            (Some(_), Some(_)) => Err(wrong(&format!("tls.{name} is set beside it too; keep one of them"))),
            (Some(path), None) => Ok(Some(PathBuf::from(path))),
            (None, beside) => Ok(beside.clone()),
        };
        Ok(TlsSettings {
            ca: one("ca", &ca, &beside.ca)?,
            cert: one("cert", &self.cert, &beside.cert)?,
            key: one("key", &self.key, &beside.key)?,
            server_name: beside.server_name.clone(),
        })
    }

    /// As libpq has it: `require` with an authority asks for that authority. Who says a word on TLS and names no mode
    /// means it in earnest; without any word it is used where the server has it.
    fn mode(&self, tls: &TlsSettings) -> Result<(SslMode, Trust), SettingsError> {
        let is_silent = *tls == TlsSettings::default() && self.ca.is_none();
        match self.mode.as_deref() {
            None if is_silent => Ok((SslMode::Prefer, Trust::Anybody)),
            None | Some("verify-full") => Ok((SslMode::Require, Trust::Name)),
            Some("disable") if is_silent => Ok((SslMode::Disable, Trust::Anybody)),
            Some("disable") => {
                Err(wrong("sslmode=disable stands beside settings of TLS; leave one of them out"))
            }
            Some("prefer") => Ok((SslMode::Prefer, Trust::Anybody)),
            Some("require") if tls.ca.is_none() => Ok((SslMode::Require, Trust::Anybody)),
            Some("require" | "verify-ca") => Ok((SslMode::Require, Trust::Authority)),
            Some(_) => Err(wrong("sslmode is none of disable, prefer, require, verify-ca and verify-full")),
        }
    }
}

fn wrong(what: &str) -> SettingsError {
    SettingsError(format!("url: {what}"))
}

/// The driver names the parameter that it does not understand; its value stays hidden.
fn why(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |place: usize| ports.get(place).or(ports.first()).copied().unwrap_or(5432);
    let host = |(place, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(place)),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{}", path.display(), port(place)),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<PostgresAddress, SettingsError> {
        PostgresAddress::parse(url, None, &TlsSettings::default())
    }

    fn modes(parameters: &str) -> (SslMode, Trust) {
        let address = parse(&format!("postgres://weir@db/analytics{parameters}")).unwrap();
        (address.config.get_ssl_mode(), address.trust)
    }

    #[test]
    fn the_modes_are_those_of_libpq() {
        assert_eq!(modes(""), (SslMode::Prefer, Trust::Anybody));
        assert_eq!(modes("?sslmode=disable"), (SslMode::Disable, Trust::Anybody));
        assert_eq!(modes("?sslmode=require"), (SslMode::Require, Trust::Anybody));
        assert_eq!(modes("?sslmode=require&sslrootcert=/ca.pem"), (SslMode::Require, Trust::Authority));
        assert_eq!(modes("?sslmode=verify-ca"), (SslMode::Require, Trust::Authority));
        assert_eq!(modes("?connect_timeout=3&sslmode=verify-full"), (SslMode::Require, Trust::Name));
        assert_eq!(modes("?sslrootcert=system"), (SslMode::Require, Trust::Name));
    }

    #[test]
    fn files_are_taken_from_the_url_or_from_beside_it() {
        let url = "postgres://weir@db/a?sslcert=%2Fc.pem&sslkey=/k.pem";
        let beside = TlsSettings { ca: Some("/ca.pem".into()), ..TlsSettings::default() };
        let address = PostgresAddress::parse(url, None, &beside).unwrap();
        assert_eq!(address.tls.cert.as_deref(), Some(std::path::Path::new("/c.pem")));
        assert_eq!((address.tls.ca, address.trust), (beside.ca.clone(), Trust::Name));
        assert!(PostgresAddress::parse("postgres://weir@db/a?sslrootcert=/x", None, &beside).is_err());
    }

    #[test]
    fn an_error_shows_nothing_of_the_password() {
        for bad in [
            "http://weir:hunter2@db/a",
            "postgres://weir:hunter2@db:port/a",
            "postgres://weir:hunter2@db/a?sslmode=hunter2",
            "postgres://weir:hunter2@db/a?nonsense=hunter2",
            "postgres://weir:hunter2@db/a?connect_timeout=hunter2",
            "postgres://weir:hunter2@db/a?channel_binding=require",
            "postgres://:hunter2@db/a",
        ] {
            let told = parse(bad).err().map(|error| error.to_string()).unwrap();
            assert!(told.starts_with("url: ") && !told.contains("hunter2"), "{told}");
        }
        let address = parse("postgres://weir:hunter2@[::1]:1234,other/a").unwrap();
        assert!(!format!("{address} {address:?}").contains("hunter2"), "{address}");
    }
}
