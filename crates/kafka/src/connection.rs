//! Where Kafka is, how one gets in, and every setting that librdkafka knows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::Events;

/// librdkafka's settings that hold secrets.
const SECRETS: [&str; 7] = [
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "ssl.truststore.password",
];

/// librdkafka's settings that are said in another way here.
const SAID_ELSEWHERE: [(&str, &str); 3] = [
    ("bootstrap.servers", "name the brokers in `brokers`"),
    ("metadata.broker.list", "name the brokers in `brokers`"),
    ("log.queue", "its log is Weir's, see `log`"),
];

/// A setting of librdkafka's that cannot be used; says which, why, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(pub String);

/// Where Kafka is and how one gets in; shown without secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `HOST:PORT`, several with commas between them; they tell of the others.
    pub brokers: String,
    /// Set where connections are encrypted.
    pub tls: Option<TlsFiles>,
    /// librdkafka's own settings, by its own names.
    pub own: BTreeMap<String, String>,
}

/// The files for TLS, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that are trusted; the machine's own where absent.
    pub ca: Option<PathBuf>,
    /// The certificate, with its chain, that we show.
    pub cert: Option<PathBuf>,
    /// The key of `cert`.
    pub key: Option<PathBuf>,
}

/// A setting that a promise rests on.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// librdkafka's name for it.
    pub name: &'static str,
    /// The values that may be written for it; the first one is set. Where there is none, nobody may set it.
    pub values: &'static [&'static str],
    /// What would come of others, and how one gets rid of the promise if one wants to.
    pub why: &'static str,
}

impl Connection {
    /// What librdkafka is told: the defaults, over them the own settings, over these what is pinned.
    ///
    /// Every own setting is shown to librdkafka, which says itself what is wrong with it.
    pub fn client_config(
        &self,
        defaults: &[(&str, String)],
        pinned: &[Pinned],
    ) -> Result<ClientConfig, SettingError> {
        if self.brokers.trim().is_empty() {
            return Err(SettingError("brokers: name at least one, as in \"kafka:9092\"".to_owned()));
        }
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("client.id", "weir").set("bootstrap.servers", &self.brokers);
        for (name, value) in defaults {
            config.set(*name, value);
        }
        self.set_tls(&mut config)?;
        for (name, value) in &self.own {
            #[cfg(feature = "tls")]
            if crate::token::is_ours(name) {
                continue;
            }
            allowed(name, value, pinned)?;
            known(name, value)?;
            config.set(name, value);
        }
        for Pinned { name, values, .. } in pinned {
            if let Some(value) = values.first() {
                config.set(*name, *value);
            }
        }
        Ok(config)
    }

    /// Who listens to a client of this connection, and gets tokens for it where it needs some.
    pub fn events(&self, owner: &str) -> Result<Events, SettingError> {
        let events = Events::of(owner);
        #[cfg(feature = "tls")]
        let events = {
            let ca = self.tls.as_ref().and_then(|tls| tls.ca.as_ref());
            events.with(crate::token::Tokens::of(&self.own, ca)?)
        };
        Ok(events)
    }

    /// When each file was last changed; differs when a client has to be made anew to take it up.
    pub fn changed_at(&self) -> Vec<Option<SystemTime>> {
        let files = self.tls.iter().flat_map(|tls| [&tls.ca, &tls.cert, &tls.key]).flatten();
        files.map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()).collect()
    }

    /// Whether passwords and events cross the network for everybody to read.
    pub fn is_encrypted(&self) -> bool {
        let own = self.own.get("security.protocol").map(|protocol| protocol.to_ascii_lowercase());
        own.map_or(self.tls.is_some(), |protocol| protocol.ends_with("ssl"))
    }

    fn set_tls(&self, config: &mut ClientConfig) -> Result<(), SettingError> {
        let has_sasl = ["sasl.mechanism", "sasl.mechanisms"].iter().any(|name| self.own.contains_key(*name));
        let Some(tls) = &self.tls else {
            if has_sasl {
                config.set("security.protocol", "sasl_plaintext");
            }
            return Ok(());
        };
        if !cfg!(feature = "tls") {
            let what = "this program was built with Kafka but without TLS for it";
            return Err(SettingError(format!("tls: {what}; build it with `--features kafka-tls`")));
        }
        if !self.is_encrypted() {
            let what = "says that connections are not encrypted";
            return Err(SettingError(format!(
                "kafka.\"security.protocol\" {what}, `tls` that they are; take one of them out"
            )));
        }
        config.set("security.protocol", if has_sasl { "sasl_ssl" } else { "ssl" });
        if tls.cert.is_some() != tls.key.is_some() {
            return Err(SettingError("tls: `cert` and `key` go together; set both or neither".to_owned()));
        }
        let files = [
            ("ssl.ca.location", &tls.ca),
            ("ssl.certificate.location", &tls.cert),
            ("ssl.key.location", &tls.key),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                config.set(name, path.display().to_string());
            }
        }
        Ok(())
    }
}

fn allowed(name: &str, value: &str, pinned: &[Pinned]) -> Result<(), SettingError> {
    if let Some((_, instead)) = SAID_ELSEWHERE.iter().find(|(taken, _)| *taken == name) {
        return Err(SettingError(format!("kafka.{name:?} is not set here: {instead}")));
    }
    match pinned.iter().find(|pinned| pinned.name == name) {
        Some(Pinned { values, why, .. }) if !values.contains(&value.trim()) => {
            let what = match values.first() {
                Some(only) => format!("can only be {only:?}"),
                None => "cannot be set".to_owned(),
            };
            Err(SettingError(format!("kafka.{name:?} {what}: {why}")))
        }
        _ => Ok(()),
    }
}

/// Asks librdkafka whether it knows the setting and takes the value. Its words may hold the value.
fn known(name: &str, value: &str) -> Result<(), SettingError> {
    match ClientConfig::new().set(name, value).create_native_config() {
        Ok(_) => Ok(()),
        Err(_) if is_secret(name) => {
            Err(SettingError(format!("kafka.{name:?}: librdkafka does not take it")))
        }
        Err(KafkaError::ClientConfig(_, words, ..)) => {
            Err(SettingError(format!("kafka.{name:?}: {}", words.trim())))
        }
        Err(error) => Err(SettingError(format!("kafka.{name:?}: {error}"))),
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): (&String, &String)| {
            (name.clone(), if is_secret(name) { "hidden".to_owned() } else { value.clone() })
        };
        let own: BTreeMap<_, _> = self.own.iter().map(shown).collect();
        f.debug_struct("Connection")
            .field("brokers", &self.brokers)
            .field("tls", &self.tls)
            .field("own", &own)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED: [Pinned; 2] = [
        Pinned { name: "acks", values: &["all", "-1"], why: "fewer would lose events" },
        Pinned { name: "transactional.id", values: &[], why: "it is made from names" },
    ];

    fn connection(own: &[(&str, &str)]) -> Connection {
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Connection { brokers: "localhost:9092".to_owned(), own, ..Connection::default() }
    }

    fn refusal(own: &[(&str, &str)]) -> String {
        connection(own).client_config(&[], &PINNED).unwrap_err().to_string()
    }

    #[test]
    fn own_settings_go_over_the_defaults_and_what_is_pinned_over_both() {
        let own = [("linger.ms", "7"), ("acks", "-1"), ("client.id", "mine")];
        let defaults = [("linger.ms", "1".to_owned()), ("batch.size", "1000".to_owned())];
        let config = connection(&own).client_config(&defaults, &PINNED).unwrap();
        let expected = [
            ("linger.ms", "7"),
            ("batch.size", "1000"),
            ("acks", "all"),
            ("client.id", "mine"),
            ("bootstrap.servers", "localhost:9092"),
        ];
        for (name, value) in expected {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn librdkafka_says_itself_what_is_wrong_with_a_setting() {
        let error = refusal(&[("lingr.ms", "5")]);
        assert_eq!(error, r#"kafka."lingr.ms": No such configuration property: "lingr.ms""#);
        let error = refusal(&[("linger.ms", "soon")]);
        assert!(error.starts_with(r#"kafka."linger.ms": "#) && error.contains("nvalid value"), "{error}");
    }

    #[test]
    fn what_a_promise_rests_on_is_not_set_otherwise() {
        assert_eq!(refusal(&[("acks", "1")]), r#"kafka."acks" can only be "all": fewer would lose events"#);
        assert!(refusal(&[("transactional.id", "mine")]).contains("it is made from names"));
        assert!(refusal(&[("bootstrap.servers", "b:1")]).contains("`brokers`"));
        let nowhere = Connection::default().client_config(&[], &[]).unwrap_err().to_string();
        assert!(nowhere.contains("brokers"), "{nowhere}");
    }

    #[test]
    fn a_mechanism_and_tls_make_the_protocol() {
        let sasl = [("sasl.mechanism", "PLAIN")];
        let protocol = |connection: &Connection| {
            let config = connection.client_config(&[], &[]).unwrap();
            config.get("security.protocol").map(str::to_owned)
        };
        assert_eq!(protocol(&connection(&[])), None);
        assert_eq!(protocol(&connection(&sasl)).as_deref(), Some("sasl_plaintext"));
        let with_tls = |own| Connection { tls: Some(TlsFiles::default()), ..connection(own) };
        if cfg!(feature = "tls") {
            assert_eq!(protocol(&with_tls(&[])).as_deref(), Some("ssl"));
            assert_eq!(protocol(&with_tls(&sasl)).as_deref(), Some("sasl_ssl"));
            let both = with_tls(&[("security.protocol", "plaintext")]);
            assert!(both.client_config(&[], &[]).is_err());
            let half = TlsFiles { cert: Some("c.pem".into()), ..TlsFiles::default() };
            let half = Connection { tls: Some(half), ..connection(&[]) };
            assert!(half.client_config(&[], &[]).unwrap_err().to_string().contains("`key`"));
        } else {
            let error = with_tls(&[]).client_config(&[], &[]).unwrap_err().to_string();
            assert!(error.contains("--features kafka-tls"), "{error}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let mut own = SECRETS.map(|name| (name, "s3cret")).to_vec();
        own.push(("sasl.username", "weir"));
        let shown = format!("{:?}", connection(&own));
        assert!(!shown.contains("s3cret") && shown.contains("weir"), "{shown}");
        for name in SECRETS {
            if let Err(error) = connection(&[(name, "s3cret\0")]).client_config(&[], &[]) {
                assert!(!error.to_string().contains("s3cret"), "{error}");
            }
        }
    }
}
