//! `[grpc]`: gRPC beside the main port.

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::config::key::Key;
use crate::config::problem::Report;

/// Where gRPC is, beside the main port.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrpcSettings {
    /// A port of its own, on the main port's address.
    pub port: Option<u16>,
}

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let Some(port) = settings.grpc.port.filter(|port| *port != 0) else { return };
    let key = Key::of(["grpc", "port"]);
    if port == settings.server.port {
        let remedy = "Choose another port, or leave it out: gRPC is on the main port in any case.";
        report.wrong(&key, "is the main port", remedy);
    } else if settings.store.port == Some(port) {
        report.wrong(&key, "is `store.port`", "Choose another port; gRPC is on the main port in any case.");
    }
}
