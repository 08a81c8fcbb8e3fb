//! The ports of the machine itself.
//!
//! Owns the host's two ports and the device master port: made when first asked
//! for, and there as long as the machine runs. Called for what names them, and
//! by the routines to know them again.

use spin::Once;

use crate::ipc::KernelPort;
use crate::mm::shared::Shared;

/// What such a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Information, for every task (`mach_host_self`).
    Name,
    /// Control of the machine, for who is given it.
    Control,
    /// Opening devices, for who is given it.
    DeviceMaster,
}

static NAME: Once<KernelPort> = Once::new();
static CONTROL: Once<KernelPort> = Once::new();
static DEVICE_MASTER: Once<KernelPort> = Once::new();

impl Host {
    /// Its port; none while there is no memory for it.
    pub(crate) fn port(self) -> Option<&'static KernelPort> {
        let place = match self {
            Host::Name => &NAME,
            Host::Control => &CONTROL,
            Host::DeviceMaster => &DEVICE_MASTER,
        };
        let made = place.try_call_once(|| {
            let object = Shared::try_new(self).map_err(drop)?;
            let port = KernelPort::new().map_err(drop)?;
            port.stand_for(object.into_any());
            Ok::<_, ()>(port)
        });
        made.ok()
    }
}
