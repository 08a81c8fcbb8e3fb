//! Definitions of routines: devices; late replies of devices.
//!
//! Tables, for the macros that they are called with. Sources: `device/device.defs`,
//! `device/device_reply.defs`.

/// Devices: calls the macro named with the subsystem `device`.
#[macro_export]
macro_rules! device_routines {
    ($then:ident) => {
        $then! {
            subsystem device 2800;
            0 device_open master_port: CopySend<'a>
                (mode: u32, name: LongString<'a, 128>)
                -> (device: MoveSend);
            1 device_close device: CopySend () -> ();
            2 device_write device: CopySend
                (mode: u32, recnum: u32, data: OutOfLine<u8, NEVER>)
                -> (bytes_written: i32);
            3 device_write_inband device: CopySend<'a>
                (mode: u32, recnum: u32, data: Array<'a, Char, 128>)
                -> (bytes_written: i32);
            4 device_read device: CopySend
                (mode: u32, recnum: u32, bytes_wanted: i32)
                -> (data: OutOfLine<u8, ALWAYS>);
            5 device_read_inband device: CopySend
                (mode: u32, recnum: u32, bytes_wanted: i32)
                -> <'a> (data: Array<'a, Char, 128>);
            6 device_open_new master_port: CopySend<'a>
                (mode: u32, name: FixedString<'a, 128>)
                -> (device: MoveSend);
            9 device_map device: CopySend
                (prot: i32, offset: u32, size: u32, unmap: i32)
                -> (pager: MoveSend);
            10 device_set_status device: CopySend<'a>
                (flavor: u32, status: Array<'a, i32, 1024>)
                -> ();
            11 device_get_status device: CopySend
                (flavor: u32, status_count: u32)
                -> <'a> (status: Array<'a, i32, 1024>);
            12 device_set_filter device: CopySend<'a>
                (receive_port: SendRight, priority: i32, filter: Array<'a, u16, 128>)
                -> ();
            13 device_intr_register device: CopySend
                (id: i32, flags: i32, receive_port: SendRight)
                -> ();
            14 device_intr_ack device: CopySend (receive_port: SendRight) -> ();
        }
    };
}

/// Late replies of devices: calls the macro named with the subsystem `device_reply`.
#[macro_export]
macro_rules! device_reply_routines {
    ($then:ident) => {
        $then! {
            subsystem device_reply 2900;
            0 device_open_reply reply_port: AnyRight (return_code: i32, device_port: MakeSend);
            2 device_write_reply reply_port: AnyRight (return_code: i32, bytes_written: i32);
            3 device_write_reply_inband reply_port: AnyRight
                (return_code: i32, bytes_written: i32);
            4 device_read_reply reply_port: AnyRight
                (return_code: i32, data: OutOfLine<u8, ALWAYS>);
            5 device_read_reply_inband reply_port: AnyRight<'a>
                (return_code: i32, data: Array<'a, Char, 128>);
        }
    };
}
