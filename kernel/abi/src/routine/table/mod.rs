//! The tables of routines, and the names that their rows use.
//!
//! A row is `id name target: disposition (request) -> (reply);`, without an
//! arrow where there is no reply. Arguments stand in the order of the message:
//! `inout` ones on both sides, and for `CountInOut` the count that the caller
//! has room for on the left.

mod device;
mod experimental;
mod gnumach;
mod mach;
mod mach4;
mod mach_debug;
mod mach_host;
mod mach_i386;
mod mach_port;
mod message;
mod pager;

/// What a row's arguments are called by.
pub(super) mod types {
    pub(in crate::routine) use crate::layout::debug::*;
    pub(in crate::routine) use crate::layout::thread::{SampledPc, SegmentDescriptor};
    pub(in crate::routine) use crate::layout::time::{TimeValue, TimeValue64};
    pub(in crate::routine) use crate::layout::vm::{VmCacheStatistics, VmStatistics};
    pub(in crate::routine) use crate::message::TypeName;
    pub(in crate::routine) use crate::port::{PortName, PortStatus};
    pub(in crate::routine) use crate::routine::{Body, ReplyBody, RequestBody, Routine};
    pub(in crate::routine) use crate::wire::*;
}
