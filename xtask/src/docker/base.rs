//! Stub.
use super::engine::{Engine, Platform};
use crate::context::Context;
use crate::failure::Result;
/// x
pub fn ensure(
    _cx: &Context,
    _engine: &Engine,
    platform: Platform,
    base: Option<&str>,
) -> Result<String> {
    Ok(base.unwrap_or(platform.default_base()).to_owned())
}
