//! Definitions of routines: ports of the processor, descriptor tables.
//!
//! Tables, for the macros that they are called with. Sources: `mach/i386/mach_i386.defs`.

/// Ports of the processor, descriptor tables: calls the macro named with the subsystem `mach_i386`.
#[macro_export]
macro_rules! mach_i386_routines {
    ($then:ident) => {
        $then! {
            subsystem mach_i386 3800;
            3 i386_set_ldt target_thread: CopySend<'a>
                (first_selector: i32, desc_list: Flexible<'a, SegmentDescriptor, 256, NEVER>)
                -> ();
            4 i386_get_ldt target_thread: CopySend
                (first_selector: i32, selector_count: i32)
                -> <'a> (desc_list: Flexible<'a, SegmentDescriptor, 256, NEVER>);
            5 i386_io_perm_create master_port: CopySend
                (from: u16, to: u16)
                -> (io_perm: MoveSend);
            6 i386_io_perm_modify target_task: CopySend (io_perm: CopySend, enable: bool) -> ();
            7 i386_set_gdt target_thread: CopySend
                (selector: i32, desc: SegmentDescriptor)
                -> (selector: i32);
            8 i386_get_gdt target_thread: CopySend (selector: i32) -> (desc: SegmentDescriptor);
            9 i386_get_xstate_size host: CopySend () -> (size: u32);
        }
    };
}
