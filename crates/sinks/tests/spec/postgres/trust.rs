//! TLS, by the modes that libpq has.

use weir_core::sink::Sink;
use weir_sinks::postgres::{PostgresSettings, PostgresSink};
use weir_sinks::tls::TlsSettings;

use crate::authority::Authority;
use crate::postgres::server::Server;
use crate::postgres::{SUITE, assert_blocked, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_decides_whom_the_sink_talks_to() {
    let (authority, another) = (Authority::new(), Authority::new());
    let Some(server) = Server::of_our_own(SUITE, Some(&authority.issue("db.example"))) else { return };
    let with = |parameters: String, tls: TlsSettings| -> PostgresSink {
        let url = server.url().replace("sslmode=disable", &parameters);
        start(&PostgresSettings { url, tls, ..settings(&server, "trust") })
    };
    let plain = |parameters: &str| with(parameters.to_owned(), TlsSettings::default());
    let (ours, theirs) = (authority.ca(), another.ca());
    let (ours, theirs) = (ours.display(), theirs.display());

    for well in ["", "sslmode=disable", "sslmode=prefer", "sslmode=require"] {
        plain(well).check().await.unwrap();
    }
    for well in
        [format!("sslmode=require&sslrootcert={ours}"), format!("sslmode=verify-ca&sslrootcert={ours}")]
    {
        plain(&well).check().await.unwrap();
    }
    for bad in [
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={ours}"),
        format!("sslmode=verify-ca&sslrootcert={theirs}"),
        format!("sslmode=require&sslrootcert={theirs}"),
    ] {
        assert_blocked(plain(&bad).check().await, &["certificate"]);
    }
    let named = TlsSettings {
        ca: Some(authority.ca()),
        server_name: Some("db.example".to_owned()),
        ..TlsSettings::default()
    };
    with(String::new(), named).check().await.unwrap();

    let encrypted =
        "SELECT ssl::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'weir'";
    let sink = plain("sslmode=require");
    sink.check().await.unwrap();
    assert!(server.ask(encrypted).await.contains(&"true".to_owned()));
}
