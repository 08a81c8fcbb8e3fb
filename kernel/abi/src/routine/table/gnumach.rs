//! Definitions of routines: what GNU added.
//!
//! Tables, for the macros that they are called with. Sources: `mach/gnumach.defs`.

/// What GNU added: calls the macro named with the subsystem `gnumach`.
#[macro_export]
macro_rules! gnumach_routines {
    ($then:ident) => {
        $then! {
            subsystem gnumach 4200;
            0 vm_cache_statistics target_task: CopySend () -> (vm_cache_stats: VmCacheStatistics);
            1 thread_terminate_release thread: CopySend
                (
                    task: CopySend, thread_name: PortName, reply_port: PortName, address: u32,
                    size: u32
                );
            2 task_set_name task: CopySend<'a> (name: CString<'a, 64>);
            3 register_new_task_notification host_priv: CopySend (notification: SendRight) -> ();
            4 gsync_wait task: CopySend
                (addr: u32, val1: u32, val2: u32, msec: u32, flags: i32)
                -> ();
            5 gsync_wake task: CopySend (addr: u32, val: u32, flags: i32);
            6 gsync_requeue task: CopySend
                (src_addr: u32, dst_addr: u32, wake_one: bool, flags: i32);
            7 vm_wire_all host: CopySend (task: CopySend, flags: i32) -> ();
            8 vm_object_sync object: CopySend
                (
                    offset: u32, size: u32, should_flush: bool, should_return: bool,
                    should_iosync: bool
                )
                -> ();
            9 vm_msync target_task: CopySend (address: u32, size: u32, sync_flags: i32) -> ();
            10 vm_allocate_contiguous host_priv: CopySend
                (target_task: CopySend, size: u32, pmin: u64, pmax: u64, palign: u64)
                -> (vaddr: u32, paddr: u64);
            11 task_set_essential task: CopySend (essential: bool);
            12 vm_pages_phys host_priv: CopySend
                (target_task: CopySend, vaddr: u32, size: u32)
                -> <'a> (pages: Flexible<'a, u64, 256, NEVER>);
            13 thread_set_name thread: CopySend<'a> (name: CString<'a, 64>);
            14 thread_get_name thread: CopySend () -> <'a> (name: CString<'a, 64>);
        }
    };
}
