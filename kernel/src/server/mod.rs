//! The kernel as a server: requests to its ports, and their answers.
//!
//! Owns which routine does what: a file for each kind of routine, an arm of a
//! `match` for each id. Decoding and encoding follow from the routine's
//! definition in `abi`. What cannot be decoded is `MIG_BAD_ARGUMENTS`, what is
//! no routine of the object's, or is not served yet, `MIG_BAD_ID`; as MIG's
//! servers do. Called with no lock held: a routine may take its time.

mod debug;
pub(crate) mod device;
mod gsync;
mod host;
mod i386;
mod info;
mod lists;
mod mach_port;
mod memory_object;
mod sampling;
mod scheduling;
mod task;
mod thread;
mod thread_state;
mod vm;

use alloc::vec::Vec;
use core::mem;

use abi::kern_return::KernReturn;
use abi::message::{Header, TypeName};
use abi::routine::{
    REPLY_HEADER_BYTES, ReplyBody, RequestBody, decode_request, encode_refusal, encode_reply,
};
use abi::wire::{EncodeError, Form};
use kernel_core::ipc::right::Refusal;
use kernel_core::vm::map::MapError;

pub(crate) use self::host::{END, End};
pub(crate) use self::vm::{allocate, map};
use crate::arch::user_memory::Words;
use crate::device::terminal::Form as ReadForm;
use crate::ipc::{Asked, Given, Gives, Request};
use crate::mm::OutOfMemory;
use crate::mm::shared::{Any, Shared};
use crate::sched;
use crate::task::{NotSuspended, Shortage};
use crate::vm::copy::Copy;

/// The routines of a file, on any object: none of them, or what comes of it.
type Serve = fn(&mut Call<'_>, &Any) -> Option<Done>;

/// An answer, or why there is none.
type Done = Result<Answer, KernReturn>;

/// What comes of a routine.
enum Answer {
    Reply(Reply),
    Later(Later),
}

/// What a routine asks to be done with the request itself.
enum Later {
    /// To be kept until there is input.
    Read {
        wanted: usize,
        form: ReadForm,
        may_wait: bool,
    },
}

/// All routines. A routine of the wrong object is refused by itself: with which
/// code depends on what it is for.
const ALL: [Serve; 15] = [
    vm::serve,
    vm::serve_host,
    mach_port::serve,
    memory_object::serve,
    task::serve,
    thread::serve,
    host::serve,
    device::serve,
    scheduling::serve,
    lists::serve,
    gsync::serve,
    debug::serve,
    debug::serve_object,
    i386::serve,
    sampling::serve,
];

/// Does what a request asks for, and answers it.
///
/// # Errors
/// There was no memory for a reply: who waits for it hears nothing.
pub(crate) fn serve(mut request: Request) -> Result<(), OutOfMemory> {
    let object = request.object().clone();
    let header = request.header();
    let (bytes, given) = request.parts();
    let mut room = Room::Long(Vec::new());
    let (done, gives) = obey(&object, bytes, &header, given, &mut room);
    match done {
        Ok(Answer::Later(later)) => {
            begin(request, later);
            Ok(())
        }
        Ok(Answer::Reply(reply)) => send(request, &header, Ok(reply), gives, &mut room),
        Err(code) => send(request, &header, Err(code), gives, &mut room),
    }
}

/// The same for one whose words are `words`; the answer, if it is to be given to
/// whoever asked, in `room`.
///
/// # Errors
/// As [`serve`].
pub(crate) fn serve_at_once(
    asked: Asked,
    words: &Words,
    room: &mut Room,
) -> Result<Option<Asked>, OutOfMemory> {
    let bytes = words.as_bytes();
    let header = Header::read(bytes).unwrap_or_default();
    let object = asked.object();
    let (done, mut gives) = obey(object, bytes, &header, Given::default(), room);
    let reply = match done {
        Ok(Answer::Later(later)) => {
            begin(asked.into_request(words).ok_or(OutOfMemory)?, later);
            return Ok(None);
        }
        Ok(Answer::Reply(reply)) => Some(reply),
        Err(code) => room.refuse(code, &header),
    };
    let is_to_end = sched::with_current(|thread| thread.is_to_end());
    match (reply, is_to_end, &room) {
        (_, None | Some(true), _) => Ok(None),
        (None, ..) => Err(OutOfMemory),
        (_, _, Room::Short(_)) if gives.is_empty() => Ok(Some(asked)),
        _ => asked
            .answer_by_queue(room.bytes(), &mut gives)
            .map(|()| None),
    }
}

/// Finds the routine that a request asks for, and does it.
fn obey<'m>(
    object: &'m Shared<Any>,
    bytes: &'m [u8],
    header: &'m Header,
    given: Given<'m>,
    room: &'m mut Room,
) -> (Done, Gives) {
    let mut call = Call {
        object,
        bytes,
        header: *header,
        given,
        gives: Gives::default(),
        room,
    };
    let done = ALL.iter().find_map(|serve| serve(&mut call, &**object));
    (done.unwrap_or(Err(KernReturn::MIG_BAD_ID)), call.gives)
}

fn begin(request: Request, later: Later) {
    let Later::Read {
        wanted,
        form,
        may_wait,
    } = later;
    device::begin_read(request, wanted, form, may_wait);
}

/// Answers a request of before. Nobody is there to hear that there is no memory.
fn send_reply(
    mut request: Request,
    does: impl FnOnce(Replying<'_>, &mut Gives) -> Result<Reply, Refused>,
) {
    let header = request.header();
    let mut gives = Gives::default();
    let mut room = Room::Long(Vec::new());
    let replying = Replying {
        header: &header,
        room: &mut room,
    };
    let done = does(replying, &mut gives).map_err(|Refused(code)| code);
    let _ = send(request, &header, done, gives, &mut room);
}

fn send(
    request: Request,
    header: &Header,
    done: Result<Reply, KernReturn>,
    gives: Gives,
    room: &mut Room,
) -> Result<(), OutOfMemory> {
    let reply = match done {
        Ok(reply) => Some(reply),
        Err(code) => room.refuse(code, header),
    };
    // Who ended itself hears no more of it (seen).
    let is_to_end = sched::with_current(|thread| thread.is_to_end());
    match (reply, is_to_end, room) {
        (Some(Reply), Some(false), Room::Long(bytes)) => request.reply(mem::take(bytes), gives),
        (None, Some(false), _) if header.bits.remote() != TypeName(0) => Err(OutOfMemory),
        // None was wanted.
        _ => Ok(()),
    }
}

/// The object as a `T`, or that it is none.
fn known<T: 'static>(object: &Any, otherwise: KernReturn) -> Result<&T, Refused> {
    object.downcast_ref().ok_or(Refused(otherwise))
}

/// A request to be answered.
struct Call<'m> {
    /// What it is to.
    object: &'m Shared<Any>,
    bytes: &'m [u8],
    header: Header,
    /// What it carries.
    given: Given<'m>,
    /// What the reply is to carry.
    gives: Gives,
    /// Where its bytes go.
    room: &'m mut Room,
}

/// What goes along with the arguments of a routine, each in their order.
struct Along<'c, 'm> {
    given: &'c mut Given<'m>,
    gives: &'c mut Gives,
}

impl Along<'_, '_> {
    /// Gives these bytes along, in memory; none are no memory.
    fn give_bytes(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if !bytes.is_empty() {
            let copy = Copy::from_bytes(bytes);
            self.gives
                .memory(copy.map_err(|_| Refused(KernReturn::RESOURCE_SHORTAGE))?);
        }
        Ok(())
    }

    /// Gives these words along, in memory; none are no memory.
    fn give_words(&mut self, words: &[u32]) -> Result<(), Refused> {
        let shortage = Refused(KernReturn::RESOURCE_SHORTAGE);
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(size_of_val(words));
        reserved.map_err(|_| shortage)?;
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.give_bytes(&bytes)
    }
}

/// Makes the reply of a routine's results.
struct Replying<'c> {
    header: &'c Header,
    room: &'c mut Room,
}

impl Replying<'_> {
    fn with<'r, R: ReplyBody<'r>>(self, results: &R) -> Result<Reply, Refused> {
        let most = const {
            match R::ROUTINE.reply_bytes() {
                Some((_, most)) => most,
                None => 0,
            }
        };
        let header = self.header;
        let reply = self.room.fill(most, &|bytes| {
            encode_reply(results, header, Form::Received, bytes)
        });
        reply.ok_or(Refused(KernReturn::RESOURCE_SHORTAGE))
    }
}

impl<'m> Call<'m> {
    /// Decodes the request, does it, and encodes what comes of it.
    fn answer<Q, R>(&mut self, does: impl FnOnce(Q) -> Result<R, Refused>) -> Option<Done>
    where
        Q: RequestBody<'m>,
        R: for<'r> ReplyBody<'r>,
    {
        self.answer_by(|request, _, reply| reply.with(&does(request)?))
    }

    /// The same, for a routine without results: one that MIG calls simple is
    /// answered too, if there is a port to reply to (seen).
    fn answer_code<Q>(&mut self, does: impl FnOnce(Q) -> Result<(), Refused>) -> Option<Done>
    where
        Q: RequestBody<'m>,
    {
        self.answer_by(|request, _, _| {
            does(request)?;
            Err(Refused(KernReturn::SUCCESS))
        })
    }

    /// The same, where rights or memory go along.
    fn answer_along<Q, R>(
        &mut self,
        does: impl FnOnce(Q, Along<'_, 'm>) -> Result<R, Refused>,
    ) -> Option<Done>
    where
        Q: RequestBody<'m>,
        R: for<'r> ReplyBody<'r>,
    {
        self.answer_by(|request, along, reply| reply.with(&does(request, along)?))
    }

    /// The same, for results that are to be looked at where they are.
    fn answer_by<Q: RequestBody<'m>>(
        &mut self,
        does: impl FnOnce(Q, Along<'_, 'm>, Replying<'_>) -> Result<Reply, Refused>,
    ) -> Option<Done> {
        let along = Along {
            given: &mut self.given,
            gives: &mut self.gives,
        };
        let replying = Replying {
            header: &self.header,
            room: self.room,
        };
        let done = match decode_request(self.bytes) {
            Ok(request) => does(request, along, replying).map(Answer::Reply),
            Err(_) => Err(Refused(KernReturn::MIG_BAD_ARGUMENTS)),
        };
        Some(done.map_err(|Refused(code)| code))
    }

    /// The same, for what is answered another time.
    fn answer_later<Q: RequestBody<'m>>(
        &mut self,
        does: impl FnOnce(Q) -> Result<Later, Refused>,
    ) -> Option<Done> {
        let done = match decode_request(self.bytes) {
            Ok(request) => does(request).map(Answer::Later),
            Err(_) => Err(Refused(KernReturn::MIG_BAD_ARGUMENTS)),
        };
        Some(done.map_err(|Refused(code)| code))
    }
}

/// The room has the bytes of the reply.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reply;

/// Where the bytes of a reply go.
#[expect(
    clippy::large_enum_variant,
    reason = "stays on the stack of who has the request served"
)]
pub(crate) enum Room {
    /// To whoever asked, at once.
    Short(Words),
    /// Into a message.
    Long(Vec<u8>),
}

impl Room {
    /// Has at most `most` bytes written by `encode`, which says how many it wrote.
    /// None without memory for them.
    fn fill(
        &mut self,
        most: usize,
        encode: &dyn Fn(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Option<Reply> {
        if let Room::Short(words) = self {
            if let Some(bytes) = words.zeroed(most) {
                let length = encode(bytes).ok()?;
                words.truncate(length);
                return Some(Reply);
            }
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(most).ok()?;
        bytes.resize(most, 0);
        let length = encode(&mut bytes).ok()?;
        bytes.truncate(length);
        *self = Room::Long(bytes);
        Some(Reply)
    }

    fn refuse(&mut self, code: KernReturn, header: &Header) -> Option<Reply> {
        self.fill(REPLY_HEADER_BYTES, &|bytes| {
            encode_refusal(code, header, bytes)
        })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Room::Short(words) => words.as_bytes(),
            Room::Long(bytes) => bytes,
        }
    }
}

/// Why a routine was not done, whoever says so.
#[derive(Clone, Copy)]
struct Refused(KernReturn);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused(KernReturn(refusal as i32))
    }
}

impl From<Shortage> for Refused {
    fn from(_: Shortage) -> Refused {
        Refused(KernReturn::RESOURCE_SHORTAGE)
    }
}

impl From<NotSuspended> for Refused {
    fn from(_: NotSuspended) -> Refused {
        Refused(KernReturn::FAILURE)
    }
}

impl From<MapError> for Refused {
    fn from(error: MapError) -> Refused {
        Refused(KernReturn(error.code()))
    }
}
