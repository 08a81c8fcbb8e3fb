//! A function for each routine, from the tables of `abi`.
//!
//! Owns the macro. The arguments are those of the row, behind the port that the
//! request goes to. What a reply says in an array stays in the buffer that the
//! caller brings; other replies come as they are.

#![expect(
    clippy::too_many_arguments,
    reason = "routines have as many as Mach gave them"
)]

use crate::message::Buffer;

/// Room for a request without arrays, and for its reply.
type Small = Buffer<512>;
/// Room for a request with an array: a longer one is `KERN_NO_SPACE`.
type Large = Buffer<4608>;

/// What the rows' arguments are called by.
mod types {
    pub(super) use super::{Large, Small};
    pub(super) use crate::trap::Result;
    pub(super) use abi::layout::thread::SegmentDescriptor;
    pub(super) use abi::layout::time::{TimeValue, TimeValue64};
    pub(super) use abi::port::PortName;
    pub(super) use abi::wire::*;
}

macro_rules! stubs {
    (subsystem $subsystem:ident $base:literal;
     $($id:literal $routine:ident $target:ident: $sent:ident
        $(<$request_life:lifetime>)? ($($argument:ident: $type:ty),* $(,)?)
        $(-> $(<$reply_life:lifetime>)? ($($result:ident: $kind:ty),* $(,)?))?;)*) => {
        $(stub! {
            $subsystem $routine $target [$($request_life)?] ($($argument: $type),*)
            $(-> [$($reply_life)?] ($($result: $kind),*))?
        })*
    };
}

macro_rules! stub {
    ($subsystem:ident $routine:ident $target:ident [$($life:lifetime)?] ($($argument:ident: $type:ty),*)) => {
        #[doc = concat!("`", stringify!($routine), "`, which has no reply.")]
        pub fn $routine<$($life)?>($target: PortName, $($argument: $type),*) -> Result {
            let request = abi::routine::$subsystem::$routine::Request { $($argument),* };
            crate::rpc::send($target, &request, &mut room!($($life)?).0)
        }
    };
    ($subsystem:ident $routine:ident $target:ident [$($life:lifetime)?] ($($argument:ident: $type:ty),*)
     -> [] ($($result:ident: $kind:ty),*)) => {
        #[doc = concat!("Calls `", stringify!($routine), "`.")]
        pub fn $routine<$($life)?>(
            $target: PortName, $($argument: $type),*
        ) -> Result<abi::routine::$subsystem::$routine::Reply> {
            let request = abi::routine::$subsystem::$routine::Request { $($argument),* };
            crate::rpc::call($target, &request, &mut room!($($life)?).0)
        }
    };
    ($subsystem:ident $routine:ident $target:ident [$($life:lifetime)?] ($($argument:ident: $type:ty),*)
     -> [$reply_life:lifetime] ($($result:ident: $kind:ty),*)) => {
        #[doc = concat!("Calls `", stringify!($routine), "`, with room for its reply.")]
        pub fn $routine<'room, $($life)?>(
            $target: PortName, $($argument: $type,)* room: &'room mut [u8]
        ) -> Result<abi::routine::$subsystem::$routine::Reply<'room>> {
            let request = abi::routine::$subsystem::$routine::Request { $($argument),* };
            crate::rpc::call($target, &request, room)
        }
    };
}

macro_rules! room {
    () => {
        Small::new()
    };
    ($life:lifetime) => {
        Large::new()
    };
}

macro_rules! subsystems {
    ($($name:ident: $table:ident;)*) => {$(
        #[doc = concat!("The routines of `", stringify!($name), "`.")]
        pub mod $name {
            use super::types::*;
            abi::$table!(stubs);
        }
    )*};
}

subsystems! {
    mach_port: mach_port_routines;
    mach: mach_routines;
    mach_host: mach_host_routines;
    mach4: mach4_routines;
    gnumach: gnumach_routines;
    device: device_routines;
    mach_i386: mach_i386_routines;
    mach_debug: mach_debug_routines;
    experimental: experimental_routines;
    exc: exc_routines;
}
