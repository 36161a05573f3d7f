//! Networks as people write them: `"10.0.0.0/8"`, or one address. For `#[serde(with = …)]`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

use super::read::with_remedy;

/// Reads a network, or an address as the network of itself.
pub fn parse(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Writes the setting.
pub fn serialize<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(ToString::to_string))
}

/// Reads the setting.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: &String| {
        parse(text).ok_or_else(|| {
            let what = format!("has no network {text:?}");
            D::Error::custom(with_remedy(&what, "Write addresses or networks, such as \"10.0.0.0/8\"."))
        })
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(read).collect()
}
