//! One definition per RPC routine, and what follows from it.
//!
//! Owns the tables (`table/`, a macro a subsystem) and the conversion of whole
//! requests and replies. From one row follow the routine's ids, its names, the
//! structures `Request` and `Reply` of its module, their layout, and the row of
//! [`SUBSYSTEMS`]. The kernel decodes requests and encodes replies, the runtime
//! the other way round; who wants more calls a table with a macro of its own:
//!
//! ```
//! macro_rules! count {
//!     (subsystem $name:ident $base:literal; $($id:literal $routine:ident $target:ident:
//!         $type:ident $(<$l:lifetime>)? ($($request:tt)*) $(-> $(<$m:lifetime>)? ($($reply:tt)*))?;)*) => {
//!         [$(stringify!($routine)),*].len()
//!     };
//! }
//! assert_eq!(abi::exc_routines!(count), 1);
//! ```

mod codec;
mod define;
#[macro_use]
mod table;

pub use codec::{
    Body, Failure, ReplyBody, RequestBody, decode_reply, decode_request, encode_refusal,
    encode_reply, encode_request,
};

use crate::message::{Bits, HEADER_BYTES, TypeName};
use crate::wire::{Complexity, Field};
use define::define;

/// What a row's arguments are called by, for the macros.
#[doc(hidden)]
pub mod types {
    pub use super::{Body, ReplyBody, RequestBody, Routine};
    pub use crate::layout::debug::*;
    pub use crate::layout::thread::{SampledPc, SegmentDescriptor};
    pub use crate::layout::time::{TimeValue, TimeValue64};
    pub use crate::layout::vm::{VmCacheStatistics, VmStatistics};
    pub use crate::message::TypeName;
    pub use crate::port::{PortName, PortStatus};
    pub use crate::wire::*;
}

/// What a reply's id exceeds its request's by.
pub const REPLY_OFFSET: i32 = 100;
/// Size of a reply without arguments: header and return code.
pub const REPLY_HEADER_BYTES: usize = HEADER_BYTES + 8;

/// A routine of the tables.
#[derive(Debug)]
pub struct Routine {
    /// Its name in the definition file.
    pub name: &'static str,
    /// The id of its request.
    pub id: i32,
    /// What the definition calls the port that it is sent to.
    pub target: &'static str,
    /// The disposition of that port in the request; `POLYMORPHIC` if the
    /// caller chooses.
    pub target_sent: TypeName,
    /// Arguments of the request.
    pub request: &'static [Field],
    /// Arguments of the reply; `None` if there is no reply.
    pub reply: Option<&'static [Field]>,
}

impl Routine {
    /// The id of its reply.
    #[must_use]
    pub const fn reply_id(&self) -> Option<i32> {
        match self.reply {
            Some(_) => Some(self.id + REPLY_OFFSET),
            None => None,
        }
    }

    /// The least and the most bytes of its request.
    #[must_use]
    pub const fn request_bytes(&self) -> (usize, usize) {
        bytes(HEADER_BYTES, self.request)
    }

    /// The least and the most bytes of its reply when it succeeds; a failure
    /// has [`REPLY_HEADER_BYTES`].
    #[must_use]
    pub const fn reply_bytes(&self) -> Option<(usize, usize)> {
        match self.reply {
            Some(fields) => Some(bytes(REPLY_HEADER_BYTES, fields)),
            None => None,
        }
    }
}

const fn bytes(head: usize, mut fields: &[Field]) -> (usize, usize) {
    let (mut least, mut most) = (head, head);
    while let [field, others @ ..] = fields {
        let (low, high) = field.shape.bytes();
        (least, most) = (least + low, most + high);
        fields = others;
    }
    (least, most)
}

/// Whether a body of these arguments is complex.
#[must_use]
pub const fn complexity(mut fields: &[Field]) -> Complexity {
    let mut all = Complexity::Simple;
    while let [field, others @ ..] = fields {
        all = match (all, field.shape.complexity()) {
            (Complexity::Complex, _) | (_, Complexity::Complex) => Complexity::Complex,
            (Complexity::Varies, _) | (_, Complexity::Varies) => Complexity::Varies,
            _ => Complexity::Simple,
        };
        fields = others;
    }
    all
}

/// A reply's dispositions, from its request's as received.
const fn reply_bits(request: Bits) -> Bits {
    Bits::new(request.remote(), TypeName(0))
}

/// A definition file's routines.
#[derive(Debug)]
pub struct Subsystem {
    /// Its name in the file.
    pub name: &'static str,
    /// What its routines' ids count from.
    pub base: i32,
    /// By rising id.
    pub routines: &'static [&'static Routine],
}

define!(mach_port: mach_port_routines);
define!(mach: mach_routines);
define!(mach_host: mach_host_routines);
define!(mach4: mach4_routines);
define!(gnumach: gnumach_routines);
define!(memory_object: memory_object_routines);
define!(memory_object_default: memory_object_default_routines);
define!(device: device_routines);
define!(device_reply: device_reply_routines);
define!(mach_i386: mach_i386_routines);
define!(mach_debug: mach_debug_routines);
define!(notify: notify_routines);
define!(exc: exc_routines);
define!(task_notify: task_notify_routines);
define!(experimental: experimental_routines);

/// All of them.
pub static SUBSYSTEMS: &[&Subsystem] = &[
    &mach_port::SUBSYSTEM,
    &mach::SUBSYSTEM,
    &mach_host::SUBSYSTEM,
    &mach4::SUBSYSTEM,
    &gnumach::SUBSYSTEM,
    &memory_object::SUBSYSTEM,
    &memory_object_default::SUBSYSTEM,
    &device::SUBSYSTEM,
    &device_reply::SUBSYSTEM,
    &mach_i386::SUBSYSTEM,
    &mach_debug::SUBSYSTEM,
    &notify::SUBSYSTEM,
    &exc::SUBSYSTEM,
    &task_notify::SUBSYSTEM,
    &experimental::SUBSYSTEM,
];

/// The routine whose request has this id, in logarithmic time a subsystem.
#[must_use]
pub fn by_id(id: i32) -> Option<&'static Routine> {
    SUBSYSTEMS.iter().find_map(|subsystem| {
        let found = subsystem
            .routines
            .binary_search_by_key(&id, |routine| routine.id);
        Some(subsystem.routines[found.ok()?])
    })
}

/// The names that GNU Mach's own device pager serves the `memory_object`
/// subsystem by: the same ids and messages.
pub const DEVICE_PAGER_NAMES: [(&str, &str); 9] = [
    ("device_pager_init_pager", "memory_object_init"),
    ("device_pager_terminate", "memory_object_terminate"),
    ("device_pager_copy", "memory_object_copy"),
    ("device_pager_data_request", "memory_object_data_request"),
    ("device_pager_data_unlock", "memory_object_data_unlock"),
    (
        "device_pager_lock_completed",
        "memory_object_lock_completed",
    ),
    (
        "device_pager_supply_completed",
        "memory_object_supply_completed",
    ),
    ("device_pager_data_return", "memory_object_data_return"),
    (
        "device_pager_change_completed",
        "memory_object_change_completed",
    ),
];
