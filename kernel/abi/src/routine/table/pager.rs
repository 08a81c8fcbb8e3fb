//! Definitions of routines: the kernel's calls to pagers, the default pager's too.
//!
//! Tables, for the macros that they are called with. Sources: `mach/memory_object.defs`,
//! `mach/memory_object_default.defs`.

/// The kernel's calls to pagers: calls the macro named with the subsystem `memory_object`.
#[macro_export]
macro_rules! memory_object_routines {
    ($then:ident) => {
        $then! {
            subsystem memory_object 2200;
            0 memory_object_init memory_object: CopySend
                (
                    memory_control: MakeSend, memory_object_name: MakeSend,
                    memory_object_page_size: u32
                );
            1 memory_object_terminate memory_object: MoveSend
                (memory_control: MoveReceive, memory_object_name: MoveReceive);
            2 memory_object_copy old_memory_object: CopySend
                (
                    old_memory_control: MakeSend, offset: u32, length: u32,
                    new_memory_object: MoveReceive
                );
            3 memory_object_data_request memory_object: CopySend
                (memory_control: MakeSend, offset: u32, length: u32, desired_access: i32);
            4 memory_object_data_unlock memory_object: CopySend
                (memory_control: MakeSend, offset: u32, length: u32, desired_access: i32);
            6 memory_object_lock_completed memory_object: AnyRight
                (memory_control: MakeSend, offset: u32, length: u32);
            7 memory_object_supply_completed memory_object: AnyRight
                (
                    memory_control: MakeSend, offset: u32, length: u32, result: i32,
                    error_offset: u32
                );
            8 memory_object_data_return memory_object: CopySend
                (
                    memory_control: MakeSend, offset: u32, data: OutOfLine<u8, NEVER>,
                    dirty: bool, kernel_copy: bool
                );
            9 memory_object_change_completed memory_object: AnyRight
                (may_cache: bool, copy_strategy: i32);
        }
    };
}

/// The kernel's calls to the default pager: calls the macro named with the subsystem `memory_object_default`.
#[macro_export]
macro_rules! memory_object_default_routines {
    ($then:ident) => {
        $then! {
            subsystem memory_object_default 2250;
            0 memory_object_create old_memory_object: MoveSend
                (
                    new_memory_object: MoveReceive, new_object_size: u32,
                    new_control_port: MakeSend, new_name: MakeSend, new_page_size: u32
                );
            1 memory_object_data_initialize memory_object: CopySend
                (memory_control_port: MakeSend, offset: u32, data: OutOfLine<u8, NEVER>);
        }
    };
}
