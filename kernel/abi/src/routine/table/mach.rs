//! Definitions of routines: tasks, threads, virtual memory, the pager's calls.
//!
//! Tables, for the macros that they are called with. Sources: `mach/mach.defs`.

/// Tasks, threads, virtual memory, the pager's calls: calls the macro named with the subsystem `mach`.
#[macro_export]
macro_rules! mach_routines {
    ($then:ident) => {
        $then! {
            subsystem mach 2000;
            7 task_create target_task: CopySend (inherit_memory: bool) -> (child_task: MoveSend);
            8 task_terminate target_task: CopySend () -> ();
            9 task_get_emulation_vector task: CopySend
                ()
                -> (vector_start: i32, emulation_vector: OutOfLine<u32, NEVER>);
            10 task_set_emulation_vector task: CopySend
                (vector_start: i32, emulation_vector: OutOfLine<u32, NEVER>)
                -> ();
            11 task_threads target_task: CopySend () -> (thread_list: OutOfLine<MoveSend, NEVER>);
            12 task_info target_task: CopySend
                (flavor: i32, task_info_out_count: u32)
                -> <'a> (task_info_out: Array<'a, i32, 1024>);
            16 thread_terminate target_thread: CopySend () -> ();
            17 thread_get_state target_thread: CopySend
                (flavor: i32, old_state_count: u32)
                -> <'a> (old_state: Array<'a, u32, 1024>);
            18 thread_set_state target_thread: CopySend<'a>
                (flavor: i32, new_state: Array<'a, u32, 1024>)
                -> ();
            19 thread_info target_thread: CopySend
                (flavor: i32, thread_info_out_count: u32)
                -> <'a> (thread_info_out: Array<'a, i32, 1024>);
            21 vm_allocate target_task: CopySend
                (address: u32, size: u32, anywhere: bool)
                -> (address: u32);
            23 vm_deallocate target_task: CopySend (address: u32, size: u32) -> ();
            24 vm_protect target_task: CopySend
                (address: u32, size: u32, set_maximum: bool, new_protection: i32)
                -> ();
            25 vm_inherit target_task: CopySend
                (address: u32, size: u32, new_inheritance: i32)
                -> ();
            26 vm_read target_task: CopySend
                (address: u32, size: u32)
                -> (data: OutOfLine<u8, NEVER>);
            27 vm_write target_task: CopySend (address: u32, data: OutOfLine<u8, NEVER>) -> ();
            28 vm_copy target_task: CopySend
                (source_address: u32, size: u32, dest_address: u32)
                -> ();
            29 vm_region target_task: CopySend
                (address: u32)
                -> (
                    address: u32, size: u32, protection: i32, max_protection: i32,
                    inheritance: i32, is_shared: bool, object_name: MoveSend, offset: u32
                );
            30 vm_statistics target_task: CopySend () -> (vm_stats: VmStatistics);
            33 mach_ports_register target_task: CopySend
                (init_port_set: OutOfLine<CopySend, NEVER>)
                -> ();
            34 mach_ports_lookup target_task: CopySend
                ()
                -> (init_port_set: OutOfLine<MoveSend, NEVER>);
            39 memory_object_data_unavailable memory_control: CopySend (offset: u32, size: u32);
            40 memory_object_get_attributes memory_control: CopySend
                ()
                -> (object_ready: bool, may_cache: bool, copy_strategy: i32);
            41 vm_set_default_memory_manager host_priv: CopySend
                (default_manager: MakeSend)
                -> (default_manager: MoveSend);
            44 memory_object_lock_request memory_control: CopySend
                (
                    offset: u32, size: u32, should_return: i32, should_flush: bool,
                    lock_value: i32, reply_to: MakeSendOnceOrAny
                );
            56 task_suspend target_task: CopySend () -> ();
            57 task_resume target_task: CopySend () -> ();
            58 task_get_special_port task: CopySend (which_port: i32) -> (special_port: MoveSend);
            59 task_set_special_port task: CopySend
                (which_port: i32, special_port: CopySend)
                -> ();
            61 thread_create parent_task: CopySend () -> (child_thread: MoveSend);
            62 thread_suspend target_thread: CopySend () -> ();
            63 thread_resume target_thread: CopySend () -> ();
            64 thread_abort target_thread: CopySend () -> ();
            67 thread_get_special_port thread: CopySend
                (which_port: i32)
                -> (special_port: MoveSend);
            68 thread_set_special_port thread: CopySend
                (which_port: i32, special_port: CopySend)
                -> ();
            70 task_set_emulation target_port: CopySend
                (routine_entry_pt: u32, routine_number: i32)
                -> ();
            71 task_ras_control target_task: CopySend
                (basepc: u32, boundspc: u32, flavor: i32)
                -> ();
            89 vm_map target_task: CopySend
                (
                    address: u32, size: u32, mask: u32, anywhere: bool, memory_object: CopySend,
                    offset: u32, copy: bool, cur_protection: i32, max_protection: i32,
                    inheritance: i32
                )
                -> (address: u32);
            90 memory_object_data_error memory_control: CopySend
                (offset: u32, size: u32, error_value: i32);
            92 memory_object_destroy memory_control: CopySend (reason: i32);
            93 memory_object_data_supply memory_control: CopySend
                (
                    offset: u32, data: OutOfLine<u8, CHOSEN>, lock_value: i32, precious: bool,
                    reply_to: MakeSendOnceOrAny
                );
            94 memory_object_ready memory_control: CopySend (may_cache: bool, copy_strategy: i32);
            95 memory_object_change_attributes memory_control: CopySend
                (may_cache: bool, copy_strategy: i32, reply_to: MakeSendOnceOrAny);
            99 vm_machine_attribute target_task: CopySend
                (address: u32, size: u32, attribute: i32, value: i32)
                -> (value: i32);
        }
    };
}
