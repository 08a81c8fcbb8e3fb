//! Commands about the machine and its kernel.

use user_rt::message::Buffer;
use user_rt::rpc::mach_host;
use user_rt::trap;

use super::super::look;
use super::{Outcome, Shell, failed, outcome};

/// `RB_HALT` of `sys/reboot.h`: stop, and do not start again.
const RB_HALT: i32 = 8;

pub(super) fn mem(shell: &mut Shell, _: &[&str]) -> Outcome {
    let memory = match look::memory() {
        Ok(memory) => memory,
        Err(code) => return failed(code),
    };
    let kilobytes = |pages: i32| i64::from(pages) * i64::from(memory.pagesize) / 1024;
    shell.say(format_args!(
        "free      {:>9} K",
        kilobytes(memory.free_count)
    ));
    shell.say(format_args!(
        "active    {:>9} K",
        kilobytes(memory.active_count)
    ));
    shell.say(format_args!(
        "inactive  {:>9} K",
        kilobytes(memory.inactive_count)
    ));
    shell.say(format_args!(
        "wired     {:>9} K",
        kilobytes(memory.wire_count)
    ));
    shell.say(format_args!("faults    {:>9}", memory.faults));
    shell.say(format_args!("copied    {:>9}", memory.cow_faults));
    shell.say(format_args!("paged in  {:>9}", memory.pageins));
    shell.say(format_args!("paged out {:>9}", memory.pageouts));
    Outcome::Done
}

pub(super) fn uname(shell: &mut Shell, _: &[&str]) -> Outcome {
    let mut room = Buffer::<1024>::new();
    match mach_host::host_kernel_version(trap::mach_host_self(), &mut room.0) {
        Ok(reply) => {
            let text = reply.kernel_version.0;
            let end = text
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(text.len());
            shell.say(format_args!("{}", text[..end].escape_ascii()));
            Outcome::Done
        }
        Err(code) => failed(code),
    }
}

pub(super) fn uptime(shell: &mut Shell, _: &[&str]) -> Outcome {
    match mach_host::host_get_uptime64(trap::mach_host_self()) {
        Ok(reply) => {
            let up = reply.uptime;
            let hundredths = up.nanoseconds / 10_000_000;
            shell.say(format_args!("{}.{hundredths:02} seconds", up.seconds));
            Outcome::Done
        }
        Err(code) => failed(code),
    }
}

pub(super) fn reboot(shell: &mut Shell, _: &[&str]) -> Outcome {
    outcome(mach_host::host_reboot(shell.host, 0).map_err(failed))
}

pub(super) fn halt(shell: &mut Shell, _: &[&str]) -> Outcome {
    outcome(mach_host::host_reboot(shell.host, RB_HALT).map_err(failed))
}
