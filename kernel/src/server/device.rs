//! The routines on devices, of `device.defs`.
//!
//! Owns no state; called by the dispatch, and by the monitor with what is typed.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::layout::host::*;
use abi::routine::device::*;
use abi::wire::{Array, Char, MoveSend, OutOfLine};
use kernel_core::ipc::right::NULL;

use super::{Call, Done, Later, Refused, known, send_reply};
use crate::console;
use crate::device::ramdisk::{self, Disk};
use crate::device::terminal::{self, Form, Input, Reader};
use crate::device::{Device, interrupts, time};
use crate::ipc::Request;
use crate::mm::shared::Any;
use crate::sched;
use crate::task::host::Host;
use crate::vm::copy::Copy;

/// Code of 115,200 bits a second, in `tty_status`.
const B115200: i32 = 17;
/// Of the console: both parities, echo and line ends by whoever asks for them.
const TTY_FLAGS: i32 = 0x8 | TF_ODDP | TF_EVENP | TF_ECHO | TF_CRMOD | TF_XTABS;

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let master = match object.downcast_ref() {
        Some(Host::DeviceMaster) => Ok(()),
        _ => Err(Refused(KernReturn::D_INVALID_OPERATION)),
    };
    let device = known::<Device>(object, KernReturn::D_NO_SUCH_DEVICE).copied();
    match call.header.id {
        device_open::ID => call.answer_along(|of: device_open::Request, along| {
            master?;
            let port = open(of.name.0)?.port();
            along.gives.right(port.ok_or(NO_MEMORY)?.make_send());
            Ok(device_open::Reply {
                device: MoveSend::new(NULL),
            })
        }),
        device_open_new::ID => call.answer_along(|of: device_open_new::Request, along| {
            master?;
            let port = open(of.name.0)?.port();
            along.gives.right(port.ok_or(NO_MEMORY)?.make_send());
            Ok(device_open_new::Reply {
                device: MoveSend::new(NULL),
            })
        }),
        device_close::ID => call.answer(|_: device_close::Request| {
            if device? == Device::Console {
                terminal::close();
            }
            Ok(device_close::Reply {})
        }),
        device_write_inband::ID => call.answer(|of: device_write_inband::Request| {
            let mut to = written_to(device, of.recnum)?;
            let mut bytes = [0; IO_INBAND_MAX as usize];
            let written = of.data.iter().zip(&mut bytes);
            let count = written.map(|(Char(from), to)| *to = from).count();
            Ok(device_write_inband::Reply {
                bytes_written: to.write(&bytes[..count])? as i32,
            })
        }),
        device_write::ID => call.answer_along(|of: device_write::Request, along| {
            let to = written_to(device, of.recnum)?;
            let mut written = 0;
            if of.data.count > 0 {
                let copy = along.given.memory();
                let copy = copy.ok_or(Refused(KernReturn::INVALID_ARGUMENT))?;
                written = write_all(to, &copy, of.data.count)?;
            }
            Ok(device_write::Reply {
                bytes_written: written as i32,
            })
        }),
        device_read_inband::ID if disk_of(&device).is_some() => {
            call.answer_by(|of: device_read_inband::Request, _, reply| {
                let wanted = of.bytes_wanted.min(IO_INBAND_MAX as i32);
                let bytes = read_disk(&device, of.recnum, wanted)?;
                let mut chars = [Char(0); IO_INBAND_MAX as usize];
                for (to, &from) in chars.iter_mut().zip(&bytes) {
                    *to = Char(from);
                }
                reply.with(&device_read_inband::Reply {
                    data: Array::new(&chars[..bytes.len()]),
                })
            })
        }
        device_read::ID if disk_of(&device).is_some() => {
            call.answer_along(|of: device_read::Request, along| {
                let bytes = read_disk(&device, of.recnum, of.bytes_wanted)?;
                if !bytes.is_empty() {
                    let copy = Copy::from_bytes(&bytes).map_err(|_| NO_MEMORY)?;
                    along.gives.memory(copy);
                }
                Ok(device_read::Reply {
                    data: OutOfLine::new(0, bytes.len() as u32),
                })
            })
        }
        device_read_inband::ID => call.answer_later(|of: device_read_inband::Request| {
            terminal_of(device)?;
            let wanted = of.bytes_wanted.min(IO_INBAND_MAX as i32);
            read(of.mode, wanted, Form::InLine)
        }),
        device_read::ID => call.answer_later(|of: device_read::Request| {
            terminal_of(device)?;
            read(of.mode, of.bytes_wanted, Form::OutOfLine)
        }),
        device_get_status::ID => {
            call.answer_by(|of: device_get_status::Request, _, reply| match device? {
                Device::Console if of.flavor == TTY_STATUS && of.status_count >= 4 => {
                    let status = [B115200, B115200, 0, TTY_FLAGS];
                    reply.with(&device_get_status::Reply {
                        status: Array::new(&status),
                    })
                }
                Device::RamDisk(number) if matches!(of.flavor, DEV_GET_SIZE | DEV_GET_RECORDS) => {
                    let disk = ramdisk::disk(number).ok_or(NO_DISK)?;
                    let unit = match of.flavor {
                        DEV_GET_SIZE => 1,
                        _ => ramdisk::RECORD,
                    };
                    let status = [(disk.size() / unit) as i32, ramdisk::RECORD as i32];
                    reply.with(&device_get_status::Reply {
                        status: Array::new(&status),
                    })
                }
                // Of a device that has none, any: seen.
                Device::Interrupts | Device::Time => {
                    let count = of.status_count.min(DEV_GET_SIZE_COUNT) as usize;
                    reply.with(&device_get_status::Reply {
                        status: Array::new(&[0; DEV_GET_SIZE_COUNT as usize][..count]),
                    })
                }
                _ => Err(Refused(KernReturn::D_INVALID_OPERATION)),
            })
        }
        device_set_status::ID => call.answer(|of: device_set_status::Request| {
            if let Device::Interrupts | Device::Time = device? {
                return Ok(device_set_status::Reply {});
            }
            terminal_of(device)?;
            match of.flavor {
                // What is typed is not kept back, and what is written not either.
                TTY_STATUS | TTY_FLUSH | TTY_STOP | TTY_START => Ok(device_set_status::Reply {}),
                _ => Err(Refused(KernReturn::D_INVALID_OPERATION)),
            }
        }),
        device_map::ID => call.answer_along(|_: device_map::Request, along| {
            if device? != Device::Time {
                return Err(Refused(KernReturn::D_INVALID_OPERATION));
            }
            let object = time::memory_object();
            if object.is_null() {
                return Err(NO_MEMORY);
            }
            along.gives.right(object);
            Ok(device_map::Reply {
                pager: MoveSend::new(NULL),
            })
        }),
        device_intr_register::ID => {
            call.answer_along(|of: device_intr_register::Request, along| {
                if device? != Device::Interrupts || of.flags != 0 {
                    return Err(Refused(KernReturn::D_INVALID_OPERATION));
                }
                interrupts::register(of.id as u32, along.given.right())?;
                Ok(device_intr_register::Reply {})
            })
        }
        device_intr_ack::ID => call.answer_along(|_: device_intr_ack::Request, along| {
            if device? != Device::Interrupts {
                return Err(Refused(KernReturn::D_INVALID_OPERATION));
            }
            interrupts::acknowledge(&along.given.right())?;
            Ok(device_intr_ack::Reply {})
        }),
        device_set_filter::ID => call.answer(|_: device_set_filter::Request| {
            let _ = device?;
            Err::<device_set_filter::Reply, _>(Refused(KernReturn::D_INVALID_OPERATION))
        }),
        _ => None,
    }
}

const NO_MEMORY: Refused = Refused(KernReturn::D_NO_MEMORY);

/// Words of `DEV_GET_SIZE`.
const DEV_GET_SIZE_COUNT: u32 = 2;

const NO_DISK: Refused = Refused(KernReturn::D_NO_SUCH_DEVICE);

/// Whether it is the terminal.
fn terminal_of(device: Result<Device, Refused>) -> Result<(), Refused> {
    match device? {
        Device::Console => Ok(()),
        _ => Err(Refused(KernReturn::D_INVALID_OPERATION)),
    }
}

/// The disk that it is, if it is one.
fn disk_of(device: &Result<Device, Refused>) -> Option<&'static Disk> {
    match device {
        Ok(Device::RamDisk(number)) => ramdisk::disk(*number),
        _ => None,
    }
}

/// Where bytes go.
enum Target {
    Terminal,
    /// They are taken, and lost: seen.
    Nowhere,
    /// From this byte of the disk on.
    Disk(&'static Disk, u32),
}

fn written_to(device: Result<Device, Refused>, record: u32) -> Result<Target, Refused> {
    match (disk_of(&device), &device) {
        (Some(disk), _) => Ok(Target::Disk(disk, offset_of(disk, record)?)),
        (None, Ok(Device::Interrupts | Device::Time)) => Ok(Target::Nowhere),
        (None, _) => terminal_of(device).map(|()| Target::Terminal),
    }
}

fn offset_of(disk: &Disk, record: u32) -> Result<u32, Refused> {
    let offset = disk.offset_of(record);
    offset.ok_or(Refused(KernReturn::D_INVALID_RECNUM))
}

impl Target {
    /// Writes bytes behind those before; how many.
    fn write(&mut self, bytes: &[u8]) -> Result<u32, Refused> {
        match self {
            Target::Terminal => {
                write(bytes);
                Ok(bytes.len() as u32)
            }
            Target::Nowhere => Ok(bytes.len() as u32),
            Target::Disk(disk, offset) => {
                let count = disk.write(*offset, bytes).map_err(|_| NO_MEMORY)?;
                *offset += count;
                Ok(count)
            }
        }
    }
}

fn read_disk(
    device: &Result<Device, Refused>,
    record: u32,
    wanted: i32,
) -> Result<Vec<u8>, Refused> {
    let disk = disk_of(device).ok_or(NO_DISK)?;
    let wanted = u32::try_from(wanted).map_err(|_| Refused(KernReturn::D_INVALID_SIZE))?;
    let bytes = disk.read(offset_of(disk, record)?, wanted);
    bytes.map_err(|_| NO_MEMORY)
}

impl From<interrupts::Refused> for Refused {
    fn from(refused: interrupts::Refused) -> Refused {
        Refused(match refused {
            interrupts::Refused::NoLine | interrupts::Refused::NotTold => {
                KernReturn::D_INVALID_OPERATION
            }
            interrupts::Refused::InUse => KernReturn::D_ALREADY_OPEN,
            interrupts::Refused::Full => KernReturn::D_NO_MEMORY,
            interrupts::Refused::NotRegistered => KernReturn::INVALID_ARGUMENT,
        })
    }
}

fn open(name: &[u8]) -> Result<Device, Refused> {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let device = Device::by_name(name);
    let device = device.ok_or(Refused(KernReturn::D_NO_SUCH_DEVICE))?;
    match device {
        Device::Console if !terminal::open() => Err(NO_MEMORY),
        _ => Ok(device),
    }
}

/// Writes to the terminal, whose lines end in two characters.
fn write(bytes: &[u8]) {
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                console::write_raw(text);
                console::write_raw(b"\r\n");
            }
            None => console::write_raw(line),
        }
    }
}

fn write_all(mut to: Target, copy: &Copy, size: u32) -> Result<u32, Refused> {
    const AT_ONCE: usize = 128;
    let mut bytes = [0; AT_ONCE];
    let mut written = 0;
    for offset in (0..size).step_by(AT_ONCE) {
        let now = AT_ONCE.min((size - offset) as usize);
        let read = copy.read(offset, &mut bytes[..now]);
        read.map_err(|_| NO_MEMORY)?;
        let count = to.write(&bytes[..now])?;
        written += count;
        if (count as usize) < now {
            break;
        }
        // As long as it is, others have their turns.
        sched::pause_if_turn_is_over();
    }
    Ok(written)
}

/// Whether a read is done now, and whether it may wait.
fn read(mode: u32, wanted: i32, form: Form) -> Result<Later, Refused> {
    let wanted = usize::try_from(wanted).map_err(|_| Refused(KernReturn::D_INVALID_SIZE))?;
    Ok(Later::Read {
        wanted,
        form,
        may_wait: mode & D_NOWAIT == 0 && wanted > 0,
    })
}

/// Reads for `request`: now, or when something is typed.
pub(super) fn begin_read(request: Request, wanted: usize, form: Form, may_wait: bool) {
    let reader = Reader {
        request,
        wanted,
        form,
    };
    if may_wait {
        match terminal::take_or_wait(reader) {
            Ok(None) => {}
            Ok(Some((reader, input))) => end_read(reader, Ok(input)),
            Err(reader) => end_read(reader, Err(KernReturn::D_NO_MEMORY)),
        }
        return;
    }
    let input = terminal::take(wanted);
    let none = input.as_slice().is_empty() && wanted > 0;
    let result = match none {
        true => Err(KernReturn::D_WOULD_BLOCK),
        false => Ok(input),
    };
    end_read(reader, result);
}

/// Something was typed, for a task: the console is open.
pub(crate) fn typed(byte: u8) {
    if let Some((reader, input)) = terminal::typed(byte) {
        end_read(reader, Ok(input));
    }
}

fn end_read(reader: Reader, result: Result<Input, KernReturn>) {
    send_reply(reader.request, |reply, gives| {
        let input = result.map_err(Refused)?;
        let bytes = input.as_slice();
        match reader.form {
            Form::InLine => {
                let mut chars = [Char(0); IO_INBAND_MAX as usize];
                for (to, &from) in chars.iter_mut().zip(bytes) {
                    *to = Char(from);
                }
                reply.with(&device_read_inband::Reply {
                    data: Array::new(&chars[..bytes.len()]),
                })
            }
            Form::OutOfLine => {
                if !bytes.is_empty() {
                    gives.memory(Copy::from_bytes(bytes).map_err(|_| NO_MEMORY)?);
                }
                reply.with(&device_read::Reply {
                    data: OutOfLine::new(0, bytes.len() as u32),
                })
            }
        }
    });
}
