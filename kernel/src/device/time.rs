//! The time, in a page that tasks map (`mapped_time_value_t`, `mach/time_value.h`).
//!
//! Owns the page, made when somebody first asks for it, and the port that is its
//! memory object. The clock's tick writes to it from then on.

use spin::Once;

use crate::ipc::{HeldRight, KernelPort};
use crate::mm::shared::Shared;
use crate::time::clock;
use crate::vm::published::Published;
use crate::vm::space::Region;

/// The port, once somebody asked for it.
static PORT: Once<KernelPort> = Once::new();

/// A send right to the memory object that a region shows, if that is the page's.
pub(crate) fn memory_object_in(region: &Region) -> Option<HeldRight> {
    let right = PORT.get()?.make_send();
    let page = right.object()?.downcast::<Published>()?;
    page.is_shown_in(region).then_some(right)
}

/// A send right to the page's memory object; null without memory for it.
pub(crate) fn memory_object() -> HeldRight {
    let made = PORT.try_call_once(|| {
        let port = KernelPort::new().map_err(drop)?;
        let (page, words) = Published::new().map_err(drop)?;
        port.stand_for(Shared::try_new(page).map_err(drop)?.into_any());
        clock::show_in(words);
        Ok::<_, ()>(port)
    });
    made.map_or(HeldRight::NULL, KernelPort::make_send)
}
