//! Keeps files: what comes in is hashed and packed on its way to the disk, and acknowledged when bytes and row are durable.
//!
//! **Constraints.** No file of more than a piece is ever whole in memory: an upload holds two pieces of [`packing::PIECE_BYTES`], a download one.
//! Half an upload leaves nothing behind: what is dropped is removed at once, what a kill left at the next start. A row
//! is there only while its bytes are ([`weir_core::files`] tells how). What is small lies with the rows, so that one commit
//! makes both durable.
//!
//! What comes over many requests is the exception: [`ResumableUploads`] keep what has come of it, until it is whole or its time
//! is over.
//!
//! An [`Upload`] fills a file of the [`Staging`] folder; [`Files`] has its content kept by a
//! [`ContentStore`](weir_core::files::ContentStore), a [`Folder`] or a [`Bucket`], and its row by a
//! [`FileCatalog`](weir_core::files::FileCatalog).

mod bucket;
mod fault;
mod files;
mod filling;
mod folder;
pub mod packing;
mod resumable;
mod retain;
mod staging;
mod sweep;
#[cfg(test)]
mod tests;
mod upload;

pub use bucket::{Bucket, BucketSettings};
pub use files::{FileLimits, Files};
pub use folder::Folder;
pub use resumable::{About, Done, Growing, HalfThere, Held, ResumableUpload, ResumableUploads};
pub use retain::{Going, ROUND_MAX, Retained};
pub use staging::{Staged, Staging};
pub use sweep::SweepReport;
pub use upload::Upload;
