//! The one place that names every concrete type: from settings to a running program.
