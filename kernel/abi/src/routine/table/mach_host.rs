//! Definitions of routines: hosts, processors, processor sets, time.
//!
//! Tables, for the macros that they are called with. Sources: `mach/mach_host.defs`.

/// Hosts, processors, processor sets, time: calls the macro named with the subsystem `mach_host`.
#[macro_export]
macro_rules! mach_host_routines {
    ($then:ident) => {
        $then! {
            subsystem mach_host 2600;
            0 host_processors host_priv: CopySend
                ()
                -> (processor_list: OutOfLine<MoveSend, NEVER>);
            3 processor_start processor: CopySend () -> ();
            4 processor_exit processor: CopySend () -> ();
            6 processor_set_default host: CopySend () -> (default_set: MoveSend);
            8 processor_set_create host: CopySend () -> (new_set: MoveSend, new_name: MoveSend);
            9 processor_set_destroy set: CopySend () -> ();
            11 processor_assign processor: CopySend (new_set: CopySend, wait: bool) -> ();
            12 processor_get_assignment processor: CopySend () -> (assigned_set: MoveSend);
            13 thread_assign thread: CopySend (new_set: CopySend) -> ();
            14 thread_assign_default thread: CopySend () -> ();
            15 thread_get_assignment thread: CopySend () -> (assigned_set: MoveSend);
            16 task_assign task: CopySend (new_set: CopySend, assign_threads: bool) -> ();
            17 task_assign_default task: CopySend (assign_threads: bool) -> ();
            18 task_get_assignment task: CopySend () -> (assigned_set: MoveSend);
            19 host_kernel_version host: CopySend
                ()
                -> <'a> (kernel_version: LongString<'a, 512>);
            20 thread_priority thread: CopySend (priority: i32, set_max: bool) -> ();
            21 thread_max_priority thread: CopySend
                (processor_set: CopySend, max_priority: i32)
                -> ();
            22 task_priority task: CopySend (priority: i32, change_threads: bool) -> ();
            23 processor_set_max_priority processor_set: CopySend
                (max_priority: i32, change_threads: bool)
                -> ();
            24 thread_policy thread: CopySend (policy: i32, data: i32) -> ();
            25 processor_set_policy_enable processor_set: CopySend (policy: i32) -> ();
            26 processor_set_policy_disable processor_set: CopySend
                (policy: i32, change_threads: bool)
                -> ();
            27 processor_set_tasks processor_set: CopySend
                ()
                -> (task_list: OutOfLine<MoveSend, NEVER>);
            28 processor_set_threads processor_set: CopySend
                ()
                -> (thread_list: OutOfLine<MoveSend, NEVER>);
            29 host_processor_sets host: CopySend
                ()
                -> (processor_sets: OutOfLine<MoveSend, NEVER>);
            30 host_processor_set_priv host_priv: CopySend
                (set_name: CopySend)
                -> (set: MoveSend);
            31 thread_depress_abort thread: CopySend () -> ();
            32 host_set_time host_priv: CopySend (new_time: TimeValue) -> ();
            33 host_adjust_time host_priv: CopySend
                (new_adjustment: TimeValue)
                -> (old_adjustment: TimeValue);
            34 host_get_time host: CopySend () -> (current_time: TimeValue);
            35 host_reboot host_priv: CopySend (options: i32) -> ();
            36 vm_wire host: CopySend
                (task: CopySend, address: u32, size: u32, access: i32)
                -> ();
            37 thread_wire host_priv: CopySend (thread: CopySend, wired: bool) -> ();
            38 host_info host: CopySend
                (flavor: i32, host_info_out_count: u32)
                -> <'a> (host_info_out: Array<'a, i32, 1024>);
            39 processor_info processor: CopySend
                (flavor: i32, processor_info_out_count: u32)
                -> <'a> (host: MoveSend, processor_info_out: Array<'a, i32, 1024>);
            40 processor_set_info set_name: CopySend
                (flavor: i32, info_out_count: u32)
                -> <'a> (host: MoveSend, info_out: Array<'a, i32, 1024>);
            41 processor_control processor: CopySend<'a>
                (processor_cmd: Array<'a, i32, 1024>)
                -> ();
            43 host_get_time64 host: CopySend () -> (current_time: TimeValue64);
            44 host_set_time64 host: CopySend (new_time: TimeValue64) -> ();
            45 host_adjust_time64 host_priv: CopySend
                (new_adjustment: TimeValue64)
                -> (old_adjustment: TimeValue64);
            46 host_get_kernel_version host: CopySend
                ()
                -> <'a> (kernel_version: FixedString<'a, 512>);
            47 host_get_uptime64 host: CopySend () -> (uptime: TimeValue64);
        }
    };
}
