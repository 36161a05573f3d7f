//! From `type = "redis"` and `type = "rabbitmq"` to the sinks' own settings.

use weir_sinks::brokers::Format;
use weir_sinks::{rabbitmq, redis};

use super::sinks::tls_settings;
use crate::config::sinks::BrokerFormat;
use crate::config::sinks::rabbitmq::RabbitmqSettings;
use crate::config::sinks::redis::RedisSettings;
use crate::secret::Secret;

pub(super) fn redis_settings(sink: &RedisSettings) -> redis::RedisSettings {
    redis::RedisSettings {
        password: sink.password.as_ref().map(exposed),
        key: sink.key.clone(),
        max_length: sink.max_length,
        max_age: sink.max_age,
        format: format(sink.format),
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        request_timeout: sink.request_timeout,
        ..redis::RedisSettings::new(sink.url.expose())
    }
}

pub(super) fn rabbitmq_settings(sink: &RabbitmqSettings) -> rabbitmq::RabbitSettings {
    rabbitmq::RabbitSettings {
        password: sink.password.as_ref().map(exposed),
        exchange: sink.exchange.clone(),
        declare: sink.declare.clone(),
        format: format(sink.format),
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        request_timeout: sink.request_timeout,
        ..rabbitmq::RabbitSettings::new(sink.url.expose(), &sink.routing_key)
    }
}

fn exposed(secret: &Secret) -> String {
    secret.expose().to_owned()
}

fn format(format: BrokerFormat) -> Format {
    match format {
        BrokerFormat::Json => Format::Json,
        BrokerFormat::Raw => Format::Raw,
    }
}
