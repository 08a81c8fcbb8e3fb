//! Devices that tasks open by name.
//!
//! Owns which there are, and their ports: made when first opened, and the same
//! ever after. Called by the routines on devices.

pub(crate) mod interrupts;
pub(crate) mod ramdisk;
pub(crate) mod terminal;
pub(crate) mod time;

use spin::Once;

use crate::ipc::KernelPort;
use crate::mm::shared::Shared;

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// The terminal: serial port and screen.
    Console,
    /// The interrupts of other devices.
    Interrupts,
    /// The time, to be mapped.
    Time,
    /// A boot module's memory.
    RamDisk(ramdisk::Number),
}

/// Whether a task has the console open, and still has a right to it.
pub(crate) fn is_console_open() -> bool {
    terminal::is_open() && Device::Console.port().is_some_and(KernelPort::has_senders)
}

impl Device {
    /// The one with this name.
    pub(crate) fn by_name(name: &[u8]) -> Option<Device> {
        match name {
            b"console" | b"com0" => Some(Device::Console),
            b"irq" => Some(Device::Interrupts),
            b"time" => Some(Device::Time),
            name => ramdisk::by_name(name).map(Device::RamDisk),
        }
    }

    /// Its port; none while there is no memory for it.
    pub(crate) fn port(self) -> Option<&'static KernelPort> {
        static CONSOLE: Once<KernelPort> = Once::new();
        static INTERRUPTS: Once<KernelPort> = Once::new();
        static TIME: Once<KernelPort> = Once::new();
        let place = match self {
            Device::Console => &CONSOLE,
            Device::Interrupts => &INTERRUPTS,
            Device::Time => &TIME,
            Device::RamDisk(number) => ramdisk::port(number)?,
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
