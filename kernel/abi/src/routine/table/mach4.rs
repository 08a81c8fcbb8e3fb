//! Definitions of routines: sampling and proxies.
//!
//! Tables, for the macros that they are called with. Sources: `mach/mach4.defs`.

/// Sampling and proxies: calls the macro named with the subsystem `mach4`.
#[macro_export]
macro_rules! mach4_routines {
    ($then:ident) => {
        $then! {
            subsystem mach4 4000;
            0 task_enable_pc_sampling host: CopySend (flavor: u32) -> (tick: i32);
            1 task_disable_pc_sampling host: CopySend () -> (samplecnt: i32);
            2 task_get_sampled_pcs host: CopySend
                (seqno: u32)
                -> <'a> (seqno: u32, sampled_pcs: Array<'a, SampledPc, 512>);
            3 thread_enable_pc_sampling host: CopySend (flavor: u32) -> (tick: i32);
            4 thread_disable_pc_sampling host: CopySend () -> (samplecnt: i32);
            5 thread_get_sampled_pcs host: CopySend
                (seqno: u32)
                -> <'a> (seqno: u32, sampled_pcs: Array<'a, SampledPc, 512>);
            10 memory_object_create_proxy task: CopySend<'a>
                (
                    max_protection: i32, object: Array<'a, SendRight, 1024>,
                    offset: Array<'a, u32, 1024>, start: Array<'a, u32, 1024>,
                    len: Array<'a, u32, 1024>
                )
                -> (proxy: MoveSend);
            11 vm_region_create_proxy task: CopySend
                (address: u32, max_protection: i32, len: u32)
                -> (proxy: MoveSend);
        }
    };
}
