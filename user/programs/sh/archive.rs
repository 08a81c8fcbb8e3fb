//! The files of the boot: a tar archive on a disk in memory.
//!
//! Owns the archive's bytes, read once.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use tar_no_std::TarArchiveRef;
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::host::{D_READ, DEV_GET_SIZE};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::LongString;
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::device;
use user_rt::trap::Result;

/// Files, by their names.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// The archive on the device with this name; without one there are no files.
    ///
    /// # Errors
    /// The code of the call that did not succeed.
    pub(crate) fn open(devices: PortName, name: &[u8]) -> Result<Archive> {
        if name.is_empty() {
            return Ok(Archive::default());
        }
        let mut ended = name.to_vec();
        ended.push(0);
        let opened = device::device_open(devices, D_READ, LongString(&ended))?;
        let disk = PortName(opened.device.port);
        let mut room = Buffer::<512>::new();
        let status = device::device_get_status(disk, DEV_GET_SIZE, 2, &mut room.0)?.status;
        let mut words = status.iter().map(|word| word as u32);
        let (Some(size), Some(record)) = (words.next(), words.next().filter(|&size| size > 0))
        else {
            return Err(KernReturn::FAILURE);
        };
        let mut bytes = Vec::new();
        let wanted = bytes.try_reserve_exact(size as usize);
        wanted.map_err(|_| KernReturn::RESOURCE_SHORTAGE)?;
        while bytes.len() < size as usize {
            let at = bytes.len() as u32;
            let left = i32::try_from(size - at).unwrap_or(i32::MAX);
            let read = device::device_read(disk, 0, at / record, left)?;
            // SAFETY: it came in this reply, and nobody else claims it.
            let data = unsafe { Data::claim(read.data) };
            // A read ends where a record does, or the disk.
            if data.is_empty() {
                break;
            }
            bytes.extend_from_slice(data.bytes());
        }
        Ok(Archive { bytes })
    }

    /// All files: name and bytes. What is no archive has none.
    pub(crate) fn files(&self) -> Vec<(String, &[u8])> {
        let archive = TarArchiveRef::new(&self.bytes);
        let entries = archive.into_iter().flat_map(|archive| archive.entries());
        entries
            .filter_map(|entry| Some((entry.filename().as_str().ok()?.to_owned(), entry.data())))
            .collect()
    }

    /// The file with this name.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        let files = self.files();
        let found = files.into_iter().find(|(known, _)| known == name);
        found.map(|(_, data)| data)
    }
}
