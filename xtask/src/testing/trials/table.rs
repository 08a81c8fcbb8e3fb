//! The table of trials.
//!
//! Owns nothing but the table; the folder's module says what it means.

use super::voice::{Mark, Order, Voice};
use super::{Kernel, Trial};
use crate::machine::Cpu::{self, Pentium, Pentium3};

/// One, two and four processors.
const SEVERAL: &[(Cpu, u32)] = &[(Pentium3, 1), (Pentium3, 2), (Pentium3, 4)];
/// A processor with FNSAVE alone, and others with FXSAVE.
const FPUS: &[(Cpu, u32)] = &[(Pentium, 1), (Pentium3, 1), (Pentium3, 4)];

/// All of them.
pub const ALL: &[Trial] = &[
    Trial {
        machines: SEVERAL,
        ..trial(
            "hello",
            &["hello ${host-port} a=${word} ${device-port}"],
            &[voice("hello: ", HELLO)],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial("traps", &["traps"], &[voice("traps: ", TRAPS)])
    },
    Trial {
        machines: SEVERAL,
        not_on_gnumach: Some("it has neither door"),
        ..trial(
            "traps-by-int",
            &["traps int"],
            &[
                voice("door: ", "\"int\" is Interrupt"),
                voice("traps: ", TRAPS),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        not_on_gnumach: Some("it has neither door"),
        ..trial(
            "traps-by-sysenter",
            &["traps sysenter"],
            &[
                voice("door: ", "\"sysenter\" is Sysenter"),
                voice("traps: ", TRAPS),
            ],
        )
    },
    Trial {
        machines: &[(Pentium, 1)],
        not_on_gnumach: Some("it has neither door"),
        ..trial(
            "traps-without-sysenter",
            &["traps sysenter"],
            &[
                voice("door: ", "\"sysenter\" is Interrupt"),
                voice("traps: ", TRAPS),
            ],
        )
    },
    Trial {
        not_on_gnumach: Some("it panics when mach_print is given an address of nobody's"),
        ..trial("pointers", &["pointers"], &[voice("pointers: ", POINTERS)])
    },
    // A boot takes sixteen modules.
    Trial {
        machines: SEVERAL,
        ..trial(
            "crimes-of-memory",
            &[
                "crimes write-null",
                "crimes read-kernel",
                "crimes write-kernel",
                "crimes write-code",
                "crimes jump-kernel",
                "crimes no-stack",
                "crimes kernel-segment",
                "crimes far-jump",
                "crimes interrupt",
            ],
            &[
                crimes(
                    "write-null\nread-kernel\nwrite-kernel\nwrite-code\njump-kernel\nno-stack\n\
                     kernel-segment\nfar-jump\ninterrupt",
                ),
                ends(
                    "page fault at 0x00000010\npage fault at 0xc0100000\n\
                     page fault at 0xc0100000\npage fault at 0x08048000\n\
                     page fault at 0xc0100000\npage fault at 0xfffffffc\n\
                     general protection fault\ngeneral protection fault\n\
                     general protection fault",
                ),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial(
            "crimes-of-instructions",
            &[
                "crimes hlt",
                "crimes cli",
                "crimes in",
                "crimes out",
                "crimes cr0",
                "crimes lgdt",
                "crimes divide",
                "crimes int3",
                "crimes overflow",
                "crimes ud2",
                "crimes step",
                "crimes step-gate",
            ],
            &[
                crimes(
                    "hlt\ncli\nin\nout\ncr0\nlgdt\ndivide\nint3\noverflow\nud2\nstep\nstep-gate",
                ),
                ends(
                    "general protection fault\ngeneral protection fault\n\
                     general protection fault\ngeneral protection fault\n\
                     general protection fault\ngeneral protection fault\n\
                     divide error\nbreakpoint\noverflow\ninvalid opcode\n\
                     debug exception\ndebug exception",
                ),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        not_on_gnumach: Some("it has no such doors"),
        ..trial(
            "crimes-of-doors",
            &[
                "crimes step-int",
                "crimes step-sysenter",
                "crimes return-null",
                "crimes return-kernel",
                "crimes return-stackless",
                "crimes return-nested",
            ],
            &[
                crimes(
                    "step-int\nstep-sysenter\nreturn-null\nreturn-kernel\nreturn-stackless\n\
                     return-nested",
                ),
                ends(
                    "debug exception\ndebug exception\npage fault at 0x00000010\n\
                     page fault at 0xc0100000\npage fault at 0x00000ffc\n\
                     page fault at 0x00000ffc",
                ),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial(
            "crimes-of-traps",
            &[
                "crimes trap-below",
                "crimes trap-far-below",
                "crimes trap-above",
                "crimes trap-far-above",
            ],
            &[
                crimes("trap-below\ntrap-far-below\ntrap-above\ntrap-far-above"),
                Voice {
                    mark: Mark::Between(" ended: no system call has number ", ";"),
                    ..ends("-131\n-2147483646\n1\n2147483647")
                },
            ],
        )
    },
    Trial {
        machines: FPUS,
        ..trial(
            "fpu",
            &["fpu 1", "fpu 2", "fpu 3", "fpu 4", "fpu 5"],
            &[
                voice("fpu 1: ", FPU),
                voice("fpu 2: ", FPU),
                voice("fpu 3: ", FPU),
                voice("fpu 4: ", FPU),
                voice("fpu 5: ", FPU),
            ],
        )
    },
    Trial {
        not_on_gnumach: Some("it has a default pager's place for its own"),
        ..trial(
            "paging",
            &["paging pager ${host-port}", "paging user ${host-port}"],
            &[Voice {
                order: Order::Any,
                ..voice("paging: ", PAGING)
            }],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial(
            "spin",
            &["spin a", "spin b", "spin c", "hello"],
            &[
                voice("spin a: ", SPIN),
                voice("spin b: ", SPIN),
                voice("spin c: ", SPIN),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial(
            "ping",
            &[
                "pong $(pong=task-create)",
                "ping ${pong} 1000 $(task-create) $(task-resume)",
            ],
            &[
                Voice {
                    mark: Mark::Between("ping: ", " in "),
                    ..voice("", "1000 round trips")
                },
                voice("pong: ", "1000 answered"),
            ],
        )
    },
    Trial {
        machines: SEVERAL,
        ..trial(
            "naming",
            &[
                "names $(names=task-create)",
                "pager object 3 aloud $(pager=task-create)",
                "naming ${names} ${pager} $(task-create) $(task-resume)",
            ],
            &[
                voice("naming: ", NAMING),
                Voice {
                    order: Order::Any,
                    ..voice("pager: ", PAGER)
                },
            ],
        )
    },
];

const HELLO: &str = "\
from user mode
argument 1 is \"1\"
argument 2 is \"a=given\"
argument 3 is \"2\"
task port is 3
thread port is 4
host port is 5
reply port is 6
done";
const TRAPS: &str = include_str!("../../../../user/tests/traps/expected.txt");
const POINTERS: &str = include_str!("../../../../user/tests/pointers/expected.txt");
const FPU: &str = "\
found the registers new
kept them over 2000 switches
kept them while it was busy
done";
const PAGING: &str = "\
there is a default pager
filled more memory than there is: true
first all pages are right: true
then all pages are right: true
pages went out and came back: true
done";
const NAMING: &str = include_str!("../../../../user/tests/naming/expected.txt");
const PAGER: &str = "\
somebody maps it
page 0 is asked for
page 1 is asked for
page 2 is asked for
page 1 comes back
nobody maps it any more";
const SPIN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\ndone";

const fn trial(
    name: &'static str,
    tasks: &'static [&'static str],
    voices: &'static [Voice],
) -> Trial {
    Trial {
        name,
        machines: &[(Pentium3, 1)],
        tasks,
        voices,
        not_on_gnumach: None,
    }
}

const fn voice(begin: &'static str, lines: &'static str) -> Voice {
    Voice {
        mark: Mark::Begins(begin),
        lines,
        order: Order::Kept,
        differences: &[],
        of: None,
    }
}

/// Who commits what; nobody says that he was not punished.
const fn crimes(names: &'static str) -> Voice {
    Voice {
        order: Order::Any,
        ..voice("crimes: ", names)
    }
}

/// Why our kernel ended threads.
const fn ends(reasons: &'static str) -> Voice {
    Voice {
        mark: Mark::Between(" ended: ", ", error code"),
        order: Order::Any,
        of: Some(Kernel::Exov6),
        ..voice("", reasons)
    }
}
