//! The program: configuration, inputs, HTTP, and the one place that names every concrete type (`wiring`).

pub mod api;
pub mod auth;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod deliveries;
pub mod exports;
pub mod files_upkeep;
mod greeting;
pub mod inputs;
pub mod logging;
pub mod metrics;
pub mod run;
pub mod schemas;
pub mod secret;
pub mod server;
mod tarball;
pub mod wiring;
pub mod world;
