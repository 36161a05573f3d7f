//! Which version of the registry is in force.

use std::sync::{Arc, PoisonError, RwLock};

use super::Registry;

/// The registry that is in force now, for all who ask.
#[derive(Clone, Debug, Default)]
pub struct CurrentRegistry(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    registry: Arc<Registry>,
    trouble: Option<String>,
}

impl CurrentRegistry {
    /// One that begins with this version.
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(RwLock::new(State { registry: Arc::new(registry), trouble: None })))
    }

    /// The version in force.
    pub fn get(&self) -> Arc<Registry> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).registry.clone()
    }

    /// Why a newer version is not in force; `None` where there is none.
    pub fn trouble(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    /// Puts a version into force.
    pub fn replace(&self, registry: Registry) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            State { registry: Arc::new(registry), trouble: None };
    }

    /// Notes why a newer version cannot be put into force, or that there is none any more.
    pub fn note(&self, trouble: Option<String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).trouble = trouble;
    }
}
