//! `mach_debug`: the kernel's insides.

use user_rt::abi::message::{NotifyId, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::{FixedString, OutOfLine, SendOnceRight};
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_debug::*, mach_port};
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, PAGE, pages, port, receive_right, row, value};

pub(super) fn rows(ports: &Ports) {
    of_ports(ports);
    of_memory(ports);
    of_the_host(ports);
}

fn of_ports(ports: &Ports) {
    let task = ports.task;
    let own = port();
    let routine = "mach_port_get_srights";
    value(
        routine,
        "of one",
        mach_port_get_srights(task, own),
        |reply| reply.srights,
    );
    value(
        routine,
        "of none",
        mach_port_get_srights(task, receive_right()),
        |reply| reply.srights,
    );
    row(routine, "of the task's", mach_port_get_srights(task, task));
    row(routine, "of nobody", mach_port_get_srights(task, NOBODY));
    row(
        routine,
        "of the host",
        mach_port_get_srights(ports.host, own),
    );
    let routine = "mach_port_dnrequest_info";
    value(
        routine,
        "of a port",
        mach_port_dnrequest_info(task, own),
        |reply| reply.used,
    );
    let notify = SendOnceRight::with(own.0, TypeName::MAKE_SEND_ONCE);
    let asked =
        mach_port::mach_port_request_notification(task, own, NotifyId::DEAD_NAME.0, 0, notify);
    value(
        routine,
        "of one request",
        asked.and_then(|_| mach_port_dnrequest_info(task, own)),
        |reply| reply.used,
    );
    row(
        routine,
        "of the task's",
        mach_port_dnrequest_info(task, task),
    );
    row(routine, "of nobody", mach_port_dnrequest_info(task, NOBODY));
    row(
        routine,
        "of the host",
        mach_port_dnrequest_info(ports.host, own),
    );
    let routine = "mach_port_kernel_object";
    for (case, name) in [
        ("of the task", task),
        ("of the thread", ports.thread),
        ("of the host", ports.host),
        ("of its privileged port", ports.host_priv),
        ("of the devices", ports.devices),
        ("of a port", own),
        ("of a port to receive from", receive_right()),
        ("of a set", allocated(PortRight::PORT_SET)),
        ("of a dead name", allocated(PortRight::DEAD_NAME)),
        ("of nobody", NOBODY),
    ] {
        let answer = mach_port_kernel_object(task, name);
        value(routine, case, answer, |reply| reply.object_type);
    }
    row(
        routine,
        "by the host",
        mach_port_kernel_object(ports.host, own),
    );
}

/// A new name for such a right.
fn allocated(right: PortRight) -> PortName {
    trap::mach_port_allocate(trap::mach_task_self(), right).unwrap_or(PortName::NULL)
}

fn of_memory(ports: &Ports) {
    let task = ports.task;
    let at = pages(1);
    // SAFETY: a new page.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(at as usize).write(1) };
    let routine = "mach_vm_region_info";
    let region = mach_vm_region_info(task, at);
    value(routine, "of a page", region, |reply| {
        let region = reply.region;
        (region.start <= at && at < region.end, region.protection)
    });
    row(
        routine,
        "beyond the end",
        mach_vm_region_info(task, 0xc000_0000).map(drop),
    );
    row(
        routine,
        "of the host",
        mach_vm_region_info(ports.host, at).map(drop),
    );
    let object = mach::vm_region(task, at).map_or(0, |reply| reply.object_name.port);
    let object = match mach_vm_region_info(task, at) {
        Ok(reply) if object == 0 => PortName(reply.object.port),
        _ => PortName(object),
    };
    let same = mach_vm_region_info(task, at);
    value(routine, "again", same, |reply| {
        PortName(reply.object.port) == object
    });
    let named = mach_port_kernel_object(task, object);
    let routine = "mach_port_kernel_object";
    value(routine, "of memory", named, |reply| reply.object_type);
    let routine = "mach_vm_object_info";
    value(
        routine,
        "of a page's",
        mach_vm_object_info(object),
        |reply| {
            let info = reply.info;
            let has_pages = info.resident_page_count > 0 && info.ref_count > 0;
            (info.pagesize, info.state, info.copy_strategy, has_pages)
        },
    );
    copied(ports, at);
    row(
        routine,
        "of the host",
        mach_vm_object_info(ports.host).map(drop),
    );
    let mut room = Buffer::<8192>::new();
    let routine = "mach_vm_object_pages";
    row(
        routine,
        "of a page's",
        mach_vm_object_pages(object, 64, &mut room.0).map(drop),
    );
    row(
        routine,
        "without room",
        mach_vm_object_pages(object, 0, &mut room.0).map(drop),
    );
    row(
        routine,
        "of the host",
        mach_vm_object_pages(ports.host, 64, &mut room.0).map(drop),
    );
    let routine = "mach_vm_object_pages_phys";
    row(
        routine,
        "of a page's",
        mach_vm_object_pages_phys(object, 64, &mut room.0).map(drop),
    );
    row(
        routine,
        "of the host",
        mach_vm_object_pages_phys(ports.host, 64, &mut room.0).map(drop),
    );
}

/// Memory that was copied, and written to since.
fn copied(ports: &Ports, at: u32) {
    let routine = "mach_vm_object_info";
    let copy = mach::vm_read(ports.task, at, PAGE);
    let copy = copy.map(|reply| reply.data.address).unwrap_or(0);
    // SAFETY: pages of this program's own.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(copy as usize).write(2) };
    let object = mach_vm_region_info(ports.task, copy).map(|reply| PortName(reply.object.port));
    value(
        routine,
        "of a copy's",
        object.and_then(mach_vm_object_info),
        |reply| reply.info.resident_page_count,
    );
    let _ = mach::vm_deallocate(ports.task, copy, PAGE);
}

fn of_the_host(ports: &Ports) {
    let host = ports.host;
    let mut room = Buffer::<8192>::new();
    let routine = "host_ipc_marequest_info";
    row(
        routine,
        "of the host",
        host_ipc_marequest_info(host, 512, &mut room.0).map(drop),
    );
    row(
        routine,
        "by the task",
        host_ipc_marequest_info(ports.task, 512, &mut room.0).map(drop),
    );
    let routine = "host_virtual_physical_table_info";
    let answer = host_virtual_physical_table_info(host, 512, &mut room.0);
    row(routine, "of the host", answer.map(drop));
    let answer = host_virtual_physical_table_info(ports.task, 512, &mut room.0);
    row(routine, "by the task", answer.map(drop));
    let routine = "host_stack_usage";
    row(routine, "of the host", host_stack_usage(host).map(drop));
    row(
        routine,
        "by the task",
        host_stack_usage(ports.task).map(drop),
    );
    let routine = "processor_set_stack_usage";
    let set = user_rt::rpc::mach_host::processor_set_default(host);
    let set = PortName(set.map_or(0, |reply| reply.default_set.port));
    row(
        routine,
        "of the default",
        processor_set_stack_usage(set).map(drop),
    );
    row(
        routine,
        "by the task",
        processor_set_stack_usage(ports.task).map(drop),
    );
    let routine = "host_slab_info";
    row(
        routine,
        "of the host",
        host_slab_info(host, 26, &mut room.0).map(drop),
    );
    row(
        routine,
        "by the task",
        host_slab_info(ports.task, 26, &mut room.0).map(drop),
    );
    let routine = "host_load_symbol_table";
    let table = OutOfLine::new(pages(1), PAGE);
    let load = |host| {
        host_load_symbol_table(
            host,
            user_rt::abi::wire::CopySend::new(ports.task.0),
            FixedString(b"x"),
            table,
        )
    };
    row(routine, "by the host's name", load(host));
    row(routine, "by the privileged port", load(ports.host_priv));
}
