//! The program: configuration, inputs, HTTP, and the one place that names every concrete type (`wiring`).
pub mod deliveries;
pub mod wiring;
pub mod world;
pub mod config;
pub mod data_dir;
pub mod logging;
pub mod api;
pub mod auth;
pub mod metrics;
pub mod server;
pub mod run;
