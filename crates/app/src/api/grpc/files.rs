//! The committed `.proto` files, as they were when Weir was built.

use protox::file::{File, FileResolver};
use protox::prost_reflect::{DescriptorPool, FileDescriptor};

use crate::api::problem::Problem;

const FILES: [(&str, &str); 4] = [
    ("weir/v1/telemetry.proto", include_str!("../../../../../api/weir/v1/telemetry.proto")),
    ("weir/v1/files.proto", include_str!("../../../../../api/weir/v1/files.proto")),
    ("grpc/health/v1/health.proto", include_str!("../../../../../api/grpc/health/v1/health.proto")),
    (
        "grpc/reflection/v1/reflection.proto",
        include_str!("../../../../../api/grpc/reflection/v1/reflection.proto"),
    ),
];

/// Whether there is a service of this full name.
pub fn has_service(name: &str) -> bool {
    let service = |path: &'static str| path[1..].split('/').next();
    super::Method::ALL.into_iter().any(|(_, path)| service(path) == Some(name))
}

/// All of them, compiled.
pub struct Files(DescriptorPool);

impl Files {
    /// Compiles them, which is a matter of a millisecond.
    pub fn read() -> Result<Self, Problem> {
        let mut compiler = protox::Compiler::with_file_resolver(Texts);
        compiler.open_files(FILES.map(|(name, _)| name)).map_err(|error| Problem::internal(&error))?;
        Ok(Self(compiler.descriptor_pool()))
    }

    /// The full names of the services.
    pub fn services(&self) -> impl Iterator<Item = String> {
        self.0.services().map(|service| service.full_name().to_owned())
    }

    /// The file of this name.
    pub fn named(&self, name: &str) -> Option<FileDescriptor> {
        self.0.get_file_by_name(name)
    }

    /// The file that has the service, the message or the enum of this full name, or what is a member of one.
    pub fn with(&self, symbol: &str) -> Option<FileDescriptor> {
        let found = |name: &str| {
            let service = self.0.get_service_by_name(name).map(|service| service.parent_file());
            let message = || self.0.get_message_by_name(name).map(|message| message.parent_file());
            let closed = || self.0.get_enum_by_name(name).map(|closed| closed.parent_file());
            service.or_else(message).or_else(closed)
        };
        found(symbol).or_else(|| found(symbol.rsplit_once('.')?.0))
    }
}

struct Texts;

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match FILES.into_iter().find(|(known, _)| *known == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
