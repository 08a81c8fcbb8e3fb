//! The forms a test run is reported in.
//!
//! Owns one renderer a file, each a pure function from the [`Report`]s to
//! text; the command decides where the text goes.
//!
//! [`Report`]: super::case::Report

pub mod json;
pub mod junit;
pub mod tap;
pub mod text;
