//! The processors, as users see them.
//!
//! Owns their ports, made when first asked for.

use spin::Once;

use crate::arch::percpu::{self, MAX_CPUS};
use crate::ipc::{HeldRight, HeldRights, KernelPort};
use crate::mm::OutOfMemory;
use crate::mm::shared::Shared;

/// A processor, by its number; what its port stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processor(pub(crate) u32);

static PORTS: [Once<KernelPort>; MAX_CPUS] = [const { Once::new() }; MAX_CPUS];

/// Send rights to the ports of all (`host_processors`).
pub(crate) fn all() -> Result<HeldRights, OutOfMemory> {
    let mut rights = HeldRights::default();
    for (number, place) in PORTS.iter().take(percpu::online()).enumerate() {
        let made = place.try_call_once(|| {
            let object = Shared::try_new(Processor(number as u32)).map_err(drop)?;
            let port = KernelPort::new().map_err(drop)?;
            port.stand_for(object.into_any());
            Ok::<_, ()>(port)
        });
        rights.push(made.map_or(HeldRight::NULL, KernelPort::make_send))?;
    }
    Ok(rights)
}
