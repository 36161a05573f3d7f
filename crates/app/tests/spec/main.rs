//! Weir from outside: each module drives the real binary and reads as the description of one behaviour.

mod harness;

mod accounting;
mod full_disk;
mod keys;
mod kill;
mod lock;
mod opensearch;
mod originals;
mod overload;
mod replay;
mod restart;
mod shutdown;
mod thin;
mod tidy;
