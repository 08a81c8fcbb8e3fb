//! The console device: bytes out, and bytes as they are typed.
//!
//! Owns the port. Lines end in two characters; the kernel sees to that.

use alloc::vec::Vec;

use kernel_core::line::Echo;
use user_rt::abi::layout::host::{D_NOWAIT, D_READ, D_WRITE, IO_INBAND_MAX};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{Array, Char, LongString};
use user_rt::message::Buffer;
use user_rt::rpc::device;
use user_rt::trap::Result;

/// The open device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console(PortName);

impl Console {
    /// Opens it.
    pub(crate) fn open(devices: PortName) -> Result<Console> {
        let name = LongString(b"console\0");
        let opened = device::device_open(devices, D_READ | D_WRITE, name)?;
        Ok(Console(PortName(opened.device.port)))
    }

    /// Waits until something is typed.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        self.read_by(0)
    }

    /// What has been typed; nothing, if nothing has.
    pub(crate) fn read_now(&self) -> Vec<u8> {
        self.read_by(D_NOWAIT).unwrap_or_default()
    }

    fn read_by(&self, mode: u32) -> Result<Vec<u8>> {
        let mut room = Buffer::<512>::new();
        let most = IO_INBAND_MAX as i32;
        let read = device::device_read_inband(self.0, mode, 0, most, &mut room.0)?;
        Ok(read.data.iter().map(|Char(byte)| byte).collect())
    }

    /// Writes all; what cannot be shown has nobody to be told about it.
    pub(crate) fn write(&self, bytes: &[u8]) {
        for part in bytes.chunks(IO_INBAND_MAX as usize) {
            let chars: Vec<Char> = part.iter().map(|&byte| Char(byte)).collect();
            let _ = device::device_write_inband(self.0, 0, 0, Array::new(&chars));
        }
    }
}

impl Echo for Console {
    fn echo(&mut self, bytes: &[u8]) {
        // The editor says both characters of a line's end.
        let text: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|&byte| byte != b'\r')
            .collect();
        self.write(&text);
    }
}
