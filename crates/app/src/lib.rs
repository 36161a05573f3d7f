//! The program: configuration, inputs, HTTP, and the one place that names every concrete type (`wiring`).
