//! Definitions of routines: the kernel's insides.
//!
//! Tables, for the macros that they are called with. Sources: `mach_debug/mach_debug.defs`.

/// The kernel's insides: calls the macro named with the subsystem `mach_debug`.
#[macro_export]
macro_rules! mach_debug_routines {
    ($then:ident) => {
        $then! {
            subsystem mach_debug 3000;
            7 mach_port_get_srights task: CopySend (name: PortName) -> (srights: u32);
            9 host_ipc_marequest_info host: CopySend
                (info_count: u32)
                -> <'a> (max_requests: u32, info: Flexible<'a, HashInfoBucket, 512, ALWAYS>);
            11 mach_port_dnrequest_info task: CopySend
                (name: PortName)
                -> (total: u32, used: u32);
            14 host_stack_usage host: CopySend
                ()
                -> (
                    reserved: u32, total: u32, space: u32, resident: u32, maxusage: u32,
                    maxstack: u32
                );
            15 processor_set_stack_usage pset: CopySend
                ()
                -> (total: u32, space: u32, resident: u32, maxusage: u32, maxstack: u32);
            16 host_virtual_physical_table_info host: CopySend
                (info_count: u32)
                -> <'a> (info: Flexible<'a, HashInfoBucket, 512, ALWAYS>);
            18 mach_port_kernel_object task: CopySend
                (name: PortName)
                -> (object_type: u32, object_addr: u32);
            19 mach_vm_region_info task: CopySend
                (address: u32)
                -> (region: VmRegionInfo, object: MoveSend);
            20 mach_vm_object_info object: CopySend
                ()
                -> (info: VmObjectInfo, shadow: MoveSend, copy: MoveSend);
            21 mach_vm_object_pages object: CopySend
                (pages_count: u32)
                -> <'a> (pages: Flexible<'a, VmPageInfo, 85, ALWAYS>);
            22 host_slab_info host: CopySend
                (info_count: u32)
                -> <'a> (info: Flexible<'a, CacheInfo, 26, ALWAYS>);
            23 host_load_symbol_table host: CopySend<'a>
                (task: CopySend, name: FixedString<'a, 32>, symtab: OutOfLine<u8, NEVER>)
                -> ();
            24 mach_vm_object_pages_phys object: CopySend
                (pages_count: u32)
                -> <'a> (pages: Flexible<'a, VmPagePhysInfo, 73, ALWAYS>);
        }
    };
}
