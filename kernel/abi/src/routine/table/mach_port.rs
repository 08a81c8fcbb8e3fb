//! Definitions of routines: name spaces, rights and ports.
//!
//! Tables, for the macros that they are called with. Sources: `mach/mach_port.defs`.

/// Name spaces, rights and ports: calls the macro named with the subsystem `mach_port`.
#[macro_export]
macro_rules! mach_port_routines {
    ($then:ident) => {
        $then! {
            subsystem mach_port 3200;
            0 mach_port_names task: CopySend
                ()
                -> (names: OutOfLine<PortName, NEVER>, types: OutOfLine<u32, NEVER>);
            1 mach_port_type task: CopySend (name: PortName) -> (ptype: u32);
            2 mach_port_rename task: CopySend (old_name: PortName, new_name: PortName) -> ();
            3 mach_port_allocate_name task: CopySend (right: u32, name: PortName) -> ();
            4 mach_port_allocate task: CopySend (right: u32) -> (name: PortName);
            5 mach_port_destroy task: CopySend (name: PortName) -> ();
            6 mach_port_deallocate task: CopySend (name: PortName) -> ();
            7 mach_port_get_refs task: CopySend (name: PortName, right: u32) -> (refs: u32);
            8 mach_port_mod_refs task: CopySend (name: PortName, right: u32, delta: i32) -> ();
            10 mach_port_set_qlimit task: CopySend (name: PortName, qlimit: u32) -> ();
            11 mach_port_set_mscount task: CopySend (name: PortName, mscount: u32) -> ();
            12 mach_port_get_set_status task: CopySend
                (name: PortName)
                -> (members: OutOfLine<PortName, NEVER>);
            13 mach_port_move_member task: CopySend (member: PortName, after: PortName) -> ();
            14 mach_port_request_notification task: CopySend
                (name: PortName, id: i32, sync: u32, notify: SendOnceRight)
                -> (previous: MoveSendOnce);
            15 mach_port_insert_right task: CopySend (name: PortName, poly: AnyRight) -> ();
            16 mach_port_extract_right task: CopySend
                (name: PortName, msgt_name: u32)
                -> (poly: AnyRight);
            17 mach_port_get_receive_status task: CopySend
                (name: PortName)
                -> (status: PortStatus);
            18 mach_port_set_seqno task: CopySend (name: PortName, seqno: u32) -> ();
            21 mach_port_set_protected_payload task: CopySend
                (name: PortName, payload: u32)
                -> ();
            22 mach_port_clear_protected_payload task: CopySend (name: PortName) -> ();
        }
    };
}
