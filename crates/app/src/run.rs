//! The life of the program: start, serve, end.
//!
//! SIGTERM and Ctrl-C end it in order: not ready, no new connections, requests under way are answered, what was
//! read from the log is delivered as far as `shutdown_timeout` allows. A second signal ends it at once. What is not
//! delivered then is delivered after the next start.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::api::{Door, Entrance};
use crate::config::{Configuration, Roles, Settings};
use crate::data_dir::DataDir;
use crate::greeting::Greeting;
use crate::logging::Logs;
use crate::server::serve;
use crate::wiring::{self, Program};

/// The exit status after a second signal, as shells have it for SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// Serves until a signal ends it.
pub async fn run(configuration: &Configuration, logs: &Logs) -> anyhow::Result<()> {
    let settings = &configuration.settings;
    for warning in &configuration.warnings {
        tracing::warn!("{warning}");
    }
    if settings.server.is_exposed() {
        tracing::info!(
            "other machines are let in without TLS: keys and events can be read on the way, unless a proxy before this \
             server ends TLS. Set server.tls, or server.trusted_proxies"
        );
    }
    let mut signals = Signals::listen()?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let main = listen(&settings.server.address(), "server.port").await?;
    let store = match settings.store.port.filter(|_| settings.takes_events()) {
        Some(port) => Some(listen(&settings.server.address_with(port), "store.port").await?),
        None => None,
    };
    let grpc = match settings.grpc.port {
        Some(port) => Some(listen(&settings.server.address_with(port), "grpc.port").await?),
        None => None,
    };
    let admin = match &settings.server.admin_addr {
        Some(address) => Some(listen(address, "server.admin_addr").await?),
        None => None,
    };
    let stop = CancellationToken::new();
    let made_key = match settings.auth.is_empty() {
        true => Some(data_dir.api_key()?),
        false => None,
    };
    let program = wiring::assemble(settings, &data_dir, made_key.as_ref(), logs, stop.clone()).await?;
    let greeting = Greeting {
        listening: main.local_addr()?,
        is_encrypted: settings.server.tls.is_some(),
        store: store.as_ref().and_then(|store| store.local_addr().ok()),
        grpc: grpc.as_ref().and_then(|grpc| grpc.local_addr().ok()),
        admin: admin.as_ref().and_then(|admin| admin.local_addr().ok()),
        role: (settings.role != Roles::all()).then(|| settings.role.to_string()),
        data_dir: data_dir.path(),
        made_key: made_key.as_ref(),
    };
    greeting.print();

    let main = wiring::listener(main, settings)?;
    let store = store.map(|store| wiring::listener(store, settings)).transpose()?;
    let grpc = grpc.map(|grpc| wiring::listener(grpc, settings)).transpose()?;
    let limits = wiring::server_settings(settings);
    // Probes and metrics are answered until the very end.
    let ended = CancellationToken::new();
    let api = program.api.clone();
    let entrance = |door| Arc::new(Entrance { api: api.clone(), door });
    let watched = admin.map(|admin| serve(admin, entrance(Door::Admin), limits.clone(), ended.clone()));
    let watched = watched.map(tokio::spawn);
    let serving_at = async |listener, door| {
        if let Some(listener) = listener {
            serve(listener, entrance(door), limits.clone(), stop.clone()).await;
        }
    };
    let serving = async {
        tokio::join!(
            serving_at(Some(main), Door::Main),
            serving_at(store, Door::Store),
            serving_at(grpc, Door::Grpc)
        );
        finish(program, settings).await;
    };
    tokio::select! {
        () = serving => {}
        () = end_on_signals(&mut signals, &stop, logs) => {}
    }
    ended.cancel();
    if let Some(watched) = watched {
        watched.await.context("the admin listener broke")?;
    }
    Ok(())
}

/// The first signal begins the end; a second one does not wait for it.
async fn end_on_signals(signals: &mut Signals, stop: &CancellationToken, logs: &Logs) {
    let name = signals.next().await;
    tracing::info!(signal = name, "ending: no new connections; requests under way are answered");
    stop.cancel();
    signals.next().await;
    tracing::warn!("second signal: ending at once; what is not delivered is delivered after the next start");
    logs.flush();
    std::process::exit(ENDED_AT_ONCE);
}

async fn finish(program: Program, settings: &Settings) {
    if program.deliveries.shut_down(settings.shutdown_timeout).await {
        tracing::info!("everything that was read is delivered");
    } else {
        tracing::warn!(
            "not everything is delivered within shutdown_timeout; the rest is delivered after the next start"
        );
    }
    program.close().await;
}

async fn listen(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: set {key} to a free port, or end the program that has this one")
    })
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
