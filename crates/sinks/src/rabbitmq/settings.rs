//! How the RabbitMQ sink is set.

use std::fmt;
use std::time::Duration;

use weir_connect::rabbitmq::RabbitAddress;

use crate::SettingsError;
use crate::brokers::{Format, Template};
use crate::tls::TlsSettings;

/// The longest name that AMQP can say.
const NAME_MAX_BYTES: usize = 255;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct RabbitSettings {
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`, as [`RabbitAddress`] reads it.
    pub url: String,
    /// The password, where it is not in `url`.
    pub password: Option<String>,
    /// The exchange that is published to; `""` is the one that leads to each queue by its name.
    pub exchange: String,
    /// The routing key, with places of the event in it.
    pub routing_key: String,
    /// The kind of exchange that is declared, durable; `None` where it has to be there.
    pub declare: Option<String>,
    /// What a message's body is.
    pub format: Format,
    /// Own authorities and certificates, and the name to ask for.
    pub tls: TlsSettings,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

impl RabbitSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>, routing_key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            exchange: String::new(),
            routing_key: routing_key.into(),
            declare: None,
            format: Format::default(),
            tls: TlsSettings::default(),
            request_timeout: Duration::from_secs(30),
        }
    }

    /// Whether they can be used, without asking the server or reading a file.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.address()?;
        self.routing_key()?;
        let wrong = |text: &str| Err(SettingsError(text.to_owned()));
        match &self.declare {
            _ if self.exchange.len() > NAME_MAX_BYTES => wrong("exchange: a name has at most 255 bytes"),
            Some(_) if self.exchange.is_empty() => {
                wrong("declare: the exchange \"\" is always there; name one, or leave it out")
            }
            Some(kind) if kind.is_empty() || kind.len() > NAME_MAX_BYTES => {
                wrong("declare: say what kind of exchange it is, such as \"topic\"")
            }
            _ if self.exchange.is_empty() && self.routing_key.is_empty() => {
                wrong("routing_key: name the queue, or set `exchange`")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn address(&self) -> Result<RabbitAddress, SettingsError> {
        RabbitAddress::parse(&self.url, self.password.as_deref())
    }

    pub(super) fn routing_key(&self) -> Result<Template, SettingsError> {
        let wrong = |SettingsError(text)| SettingsError(format!("routing_key = {text}"));
        Template::parse(&self.routing_key).map_err(wrong)
    }
}

impl fmt::Debug for RabbitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.address().map_or_else(|_| "invalid".to_owned(), |address| address.to_string());
        f.debug_struct("RabbitSettings")
            .field("url", &shown)
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("declare", &self.declare)
            .field("format", &self.format)
            .field("tls", &self.tls)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_them_holds_no_password() {
        let settings = RabbitSettings {
            password: Some("hunter2".to_owned()),
            ..RabbitSettings::new("amqp://weir@h", "q")
        };
        let shown = format!("{settings:?} {:?}", RabbitSettings::new("amqp://weir:hunter2@h/v", "q"));
        assert!(!shown.contains("hunter2") && shown.contains("h:5672 (vhost v)"), "{shown}");
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        let new = |exchange: &str, routing_key: &str, declare: Option<&str>| RabbitSettings {
            exchange: exchange.to_owned(),
            declare: declare.map(str::to_owned),
            ..RabbitSettings::new("amqp://h", routing_key)
        };
        for good in [new("", "q", None), new("x", "", None), new("x", "{event}", Some("topic"))] {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
        for bad in [
            new("", "", None),
            new("", "q", Some("topic")),
            new("x", "{", None),
            new("x", "", Some("")),
            new(&"x".repeat(256), "", None),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
