//! Weir from outside: each module drives the real binary and reads as the description of one behaviour.

mod harness;
mod tidy;
