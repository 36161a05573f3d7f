//! What there is to be called.

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `weir.v1.Telemetry/Send`
    Send,
    /// `weir.v1.Telemetry/SendStream`
    SendStream,
    /// `weir.v1.Files/Upload`
    Upload,
    /// `grpc.health.v1.Health/Check`
    Check,
    /// `grpc.health.v1.Health/Watch`
    Watch,
    /// `grpc.reflection.v1.ServerReflection/ServerReflectionInfo`
    Reflect,
}

impl Method {
    /// All of them, each with its path.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Send, "/weir.v1.Telemetry/Send"),
        (Self::SendStream, "/weir.v1.Telemetry/SendStream"),
        (Self::Upload, "/weir.v1.Files/Upload"),
        (Self::Check, "/grpc.health.v1.Health/Check"),
        (Self::Watch, "/grpc.health.v1.Health/Watch"),
        (Self::Reflect, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    ];

    /// The method of this service and name.
    pub fn of(service: &str, name: &str) -> Option<Self> {
        let is_it = |path: &str| path[1..].split_once('/') == Some((service, name));
        Self::ALL.into_iter().find(|(_, path)| is_it(path)).map(|(method, _)| method)
    }

    /// Its place in the list, and its path.
    pub fn kind(self) -> (usize, &'static str) {
        let place = Self::ALL.iter().position(|(method, _)| *method == self).unwrap_or(0);
        (place, Self::ALL[place].1)
    }

    /// Whether it is about whether the server is well, which strangers may ask.
    pub fn is_probe(self) -> bool {
        matches!(self, Self::Check | Self::Watch)
    }

    /// Whether it takes events in, or what makes some.
    pub fn needs_events(self) -> bool {
        matches!(self, Self::Send | Self::SendStream | Self::Upload)
    }
}
