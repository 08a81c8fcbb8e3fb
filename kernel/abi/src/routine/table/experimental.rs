//! Definitions of routines: experiments.
//!
//! Tables, for the macros that they are called with. Sources: `mach/experimental.defs`.

/// Experiments: calls the macro named with the subsystem `experimental`.
#[macro_export]
macro_rules! experimental_routines {
    ($then:ident) => {
        $then! {
            subsystem experimental 424242;
            1 device_intr_register master_port: CopySend
                (line: i32, id: i32, flags: i32, receive_port: SendRight)
                -> ();
            2 device_intr_enable master_port: CopySend (line: i32, status: Char) -> ();
            3 vm_allocate_contiguous host_priv: CopySend
                (target_task: CopySend, size: u32)
                -> (vaddr: u32, paddr: u32);
        }
    };
}
