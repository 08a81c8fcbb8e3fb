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
