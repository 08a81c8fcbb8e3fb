//! Definitions of routines: notifications; exceptions; new tasks.
//!
//! Tables, for the macros that they are called with. Sources: `mach/notify.defs`,
//! `mach/exc.defs`,
//! `mach/task_notify.defs`.

/// Notifications: calls the macro named with the subsystem `notify`.
#[macro_export]
macro_rules! notify_routines {
    ($then:ident) => {
        $then! {
            subsystem notify 64;
            1 mach_notify_port_deleted notify: MoveSendOnce (name: PortName);
            2 mach_notify_msg_accepted notify: MoveSendOnce (name: PortName);
            5 mach_notify_port_destroyed notify: MoveSendOnce (rights: ReceiveRight);
            6 mach_notify_no_senders notify: MoveSendOnce (mscount: u32);
            7 mach_notify_send_once notify: MoveSendOnce ();
            8 mach_notify_dead_name notify: MoveSendOnce (name: PortName);
        }
    };
}

/// Exceptions: calls the macro named with the subsystem `exc`.
#[macro_export]
macro_rules! exc_routines {
    ($then:ident) => {
        $then! {
            subsystem exc 2400;
            0 exception_raise exception_port: CopySend
                (thread: CopySend, task: CopySend, exception: i32, code: i32, subcode: i32)
                -> ();
        }
    };
}

/// New tasks: calls the macro named with the subsystem `task_notify`.
#[macro_export]
macro_rules! task_notify_routines {
    ($then:ident) => {
        $then! {
            subsystem task_notify 4400;
            0 mach_notify_new_task notify: CopySend (task: MoveSend, parent: MoveSend);
        }
    };
}
