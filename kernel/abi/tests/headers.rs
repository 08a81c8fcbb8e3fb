//! Numbers and layouts against facts of the public headers, and these facts
//! against the headers themselves where they and a C compiler are there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use abi::kern_return::KernReturn;
use abi::layout::{Plain, debug, host, task, thread, time, vm};
use abi::message::{Bits, Descriptor, Header, MsgReturn, NotifyId, Options, TypeName};
use abi::port::{self, PortName, PortRight};
use abi::trap::TRAPS;

/// Facts, so that the test needs no headers.
const FACTS: &str = include_str!("header_facts.txt");

/// What declares numbers by `pub const`.
const SOURCES: [&str; 7] = [
    include_str!("../src/layout/debug.rs"),
    include_str!("../src/layout/host.rs"),
    include_str!("../src/layout/task.rs"),
    include_str!("../src/layout/thread.rs"),
    include_str!("../src/layout/time.rs"),
    include_str!("../src/layout/vm.rs"),
    include_str!("../src/port.rs"),
];

/// Makes the headers fit for a compiler that has no C library.
const INCLUDES: &str = include_str!("headers.h");

macro_rules! numbers {
    ($($module:ident: $($name:ident)*;)*) => {
        vec![$($((stringify!($name), i64::from($module::$name)),)*)*]
    };
}

/// All constants of the modules `layout` and `port`.
fn constants() -> Vec<(&'static str, i64)> {
    numbers! {
        debug:
            VOI_STATE_PAGER_CREATED VOI_STATE_PAGER_INITIALIZED VOI_STATE_PAGER_READY
            VOI_STATE_CAN_PERSIST VOI_STATE_INTERNAL VOI_STATE_TEMPORARY VOI_STATE_ALIVE
            VOI_STATE_LOCK_IN_PROGRESS VOI_STATE_LOCK_RESTART VPI_STATE_BUSY VPI_STATE_WANTED
            VPI_STATE_TABLED VPI_STATE_FICTITIOUS VPI_STATE_PRIVATE VPI_STATE_ABSENT
            VPI_STATE_ERROR VPI_STATE_DIRTY VPI_STATE_PRECIOUS VPI_STATE_OVERWRITING
            VPI_STATE_INACTIVE VPI_STATE_ACTIVE VPI_STATE_LAUNDRY VPI_STATE_FREE
            VPI_STATE_REFERENCE VPI_STATE_PAGER;
        host:
            HOST_BASIC_INFO HOST_PROCESSOR_SLOTS HOST_SCHED_INFO HOST_LOAD_INFO KERNEL_VERSION_MAX
            PROCESSOR_BASIC_INFO PROCESSOR_SET_BASIC_INFO PROCESSOR_SET_SCHED_INFO LOAD_SCALE
            CPU_TYPE_I386 CPU_TYPE_I486 CPU_TYPE_PENTIUM CPU_TYPE_PENTIUMPRO CPU_SUBTYPE_AT386
            D_READ D_WRITE D_NODELAY D_NOWAIT IO_INBAND_MAX DEV_GET_SIZE DEV_GET_RECORDS
            TTY_STATUS TTY_MODEM TTY_FLUSH TTY_STOP TTY_START TTY_SET_BREAK TTY_CLEAR_BREAK
            TTY_SET_TRANSLATION TF_ODDP TF_EVENP TF_NOHANG TF_HUPCLS TF_ECHO TF_CRMOD TF_XTABS
            DEVICE_INTR_NOTIFY;
        task:
            TASK_BASIC_INFO TASK_EVENTS_INFO TASK_THREAD_TIMES_INFO TASK_KERNEL_PORT
            TASK_EXCEPTION_PORT TASK_BOOTSTRAP_PORT TASK_PORT_REGISTER_MAX RAS_PURGE_ALL
            RAS_PURGE_ONE RAS_PURGE_ALL_AND_INSTALL_ONE RAS_INSTALL_ONE;
        thread:
            THREAD_BASIC_INFO THREAD_SCHED_INFO TH_USAGE_SCALE TH_STATE_RUNNING
            TH_STATE_STOPPED TH_STATE_WAITING TH_FLAGS_SWAPPED TH_FLAGS_IDLE I386_THREAD_STATE
            THREAD_STATE_FLAVOR_LIST THREAD_STATE_MAX
            TH_STATE_UNINTERRUPTIBLE TH_STATE_HALTED
            I386_FLOAT_STATE I386_ISA_PORT_MAP_STATE I386_V86_ASSIST_STATE I386_REGS_SEGS_STATE
            I386_DEBUG_STATE I386_FSGS_BASE_STATE I386_XFLOAT_STATE FP_NO FP_SOFT FP_287 FP_387
            FP_387FX FP_387X THREAD_KERNEL_PORT THREAD_EXCEPTION_PORT POLICY_TIMESHARE
            POLICY_FIXEDPRI SWITCH_OPTION_NONE SWITCH_OPTION_DEPRESS SWITCH_OPTION_WAIT
            EXC_BAD_ACCESS EXC_BAD_INSTRUCTION EXC_ARITHMETIC EXC_EMULATION EXC_SOFTWARE
            EXC_BREAKPOINT EXC_I386_INVOP EXC_I386_DIV EXC_I386_INTO EXC_I386_NOEXT
            EXC_I386_EXTOVR EXC_I386_EXTERR EXC_I386_EMERR EXC_I386_BOUND EXC_I386_SGL
            EXC_I386_BPT EXC_I386_DBLFLT EXC_I386_INVTSSFLT EXC_I386_SEGNPFLT EXC_I386_STKFLT
            EXC_I386_GPFLT EXC_I386_PGFLT SAMPLED_PC_PERIODIC SAMPLED_PC_VM_ZFILL_FAULTS
            SAMPLED_PC_VM_REACTIVATION_FAULTS SAMPLED_PC_VM_PAGEIN_FAULTS
            SAMPLED_PC_VM_COW_FAULTS SAMPLED_PC_VM_FAULTS_ANY;
        vm:
            PAGE_SIZE VM_MIN_ADDRESS VM_MAX_ADDRESS VM_PROT_NONE VM_PROT_READ VM_PROT_WRITE
            VM_PROT_EXECUTE VM_PROT_DEFAULT VM_PROT_ALL VM_PROT_NO_CHANGE VM_PROT_NOTIFY
            VM_INHERIT_SHARE VM_INHERIT_COPY VM_INHERIT_NONE VM_INHERIT_DEFAULT MATTR_CACHE
            MATTR_MIGRATE MATTR_REPLICATE MATTR_VAL_OFF MATTR_VAL_ON MATTR_VAL_GET
            MATTR_VAL_CACHE_FLUSH MATTR_VAL_DCACHE_FLUSH MATTR_VAL_ICACHE_FLUSH
            VM_SYNC_ASYNCHRONOUS VM_SYNC_SYNCHRONOUS VM_SYNC_INVALIDATE VM_WIRE_NONE
            VM_WIRE_CURRENT VM_WIRE_FUTURE VM_WIRE_ALL MEMORY_OBJECT_COPY_NONE
            MEMORY_OBJECT_COPY_CALL MEMORY_OBJECT_COPY_DELAY MEMORY_OBJECT_COPY_TEMPORARY
            MEMORY_OBJECT_RETURN_NONE MEMORY_OBJECT_RETURN_DIRTY MEMORY_OBJECT_RETURN_ALL;
        port:
            PORT_TYPE_DNREQUEST PORT_TYPE_MAREQUEST PORT_TYPE_COMPAT QLIMIT_DEFAULT QLIMIT_MAX;
    }
}

/// A structure: the header's name, its size, its fields with their sizes.
type Layout = (&'static str, usize, &'static [(&'static str, usize)]);

macro_rules! layouts {
    ($($module:ident::$type:ident = $name:literal,)*) => {
        vec![$(($name, <$module::$type>::BYTES, <$module::$type>::FIELDS),)*]
    };
}

fn structures() -> Vec<Layout> {
    layouts! {
        debug::HashInfoBucket = "hash_info_bucket_t",
        debug::CacheInfo = "cache_info_t",
        debug::VmRegionInfo = "vm_region_info_t",
        debug::VmObjectInfo = "vm_object_info_t",
        debug::VmPageInfo = "vm_page_info_t",
        debug::VmPagePhysInfo = "vm_page_phys_info_t",
        host::HostBasicInfo = "host_basic_info",
        host::HostSchedInfo = "host_sched_info",
        host::HostLoadInfo = "host_load_info",
        host::ProcessorBasicInfo = "processor_basic_info",
        host::ProcessorSetBasicInfo = "processor_set_basic_info",
        host::ProcessorSetSchedInfo = "processor_set_sched_info",
        host::TtyStatus = "tty_status",
        task::TaskBasicInfo = "task_basic_info",
        task::TaskEventsInfo = "task_events_info",
        task::TaskThreadTimesInfo = "task_thread_times_info",
        thread::ThreadBasicInfo = "thread_basic_info",
        thread::ThreadSchedInfo = "thread_sched_info",
        thread::ThreadState = "i386_thread_state",
        thread::FloatState = "i386_float_state",
        thread::XFloatState = "i386_xfloat_state",
        thread::IsaPortMapState = "i386_isa_port_map_state",
        thread::V86AssistState = "i386_v86_assist_state",
        thread::DebugState = "i386_debug_state",
        thread::FsGsBaseState = "i386_fsgs_base_state",
        thread::SampledPc = "sampled_pc_t",
        thread::SegmentDescriptor = "descriptor_t",
        time::TimeValue = "time_value_t",
        time::TimeValue64 = "time_value64_t",
        time::MappedTimeValue = "mapped_time_value_t",
        vm::VmStatistics = "vm_statistics",
        vm::VmCacheStatistics = "vm_cache_statistics",
        port::PortStatus = "mach_port_status_t",
    }
}

/// The header's name of a constant that has another one here.
fn header_name(name: &str) -> String {
    match name {
        _ if name.starts_with("RAS_") => name.replacen("RAS_", "TASK_RAS_CONTROL_", 1),
        _ if name.starts_with("I386_") => name.replacen('I', "i", 1),
        _ if name.starts_with("PORT_TYPE_") || name.starts_with("QLIMIT_") => {
            format!("MACH_{}", name.replacen("QLIMIT", "PORT_QLIMIT", 1))
        }
        _ => name.to_owned(),
    }
}

/// Everything that has a number, by the header's name.
fn numbers() -> BTreeMap<String, u32> {
    let mut all: Vec<(String, i64)> = constants()
        .into_iter()
        .map(|(name, value)| (header_name(name), value))
        .collect();
    // Two names may have one number; `name` knows the first only.
    let mut named = |name: Option<&str>, value: i64| {
        all.push((name.expect("a named value").to_owned(), value));
    };
    for code in KernReturn::ALL {
        named(code.name(), code.0.into());
    }
    for right in PortRight::ALL {
        named(right.name(), right.0.into());
    }
    for name in TypeName::ALL {
        // In descriptors the number has eight bits, in the header it is -1.
        let sign = i64::from(*name == TypeName::POLYMORPHIC) << 8;
        named(name.name(), i64::from(name.0) - sign);
    }
    for code in MsgReturn::ALL {
        named(code.name(), code.0.into());
    }
    for id in NotifyId::ALL {
        named(id.name(), id.0.into());
    }
    for (name, value) in [
        ("KERN_SUCCESS", KernReturn::SUCCESS.0.into()),
        ("D_SUCCESS", KernReturn::D_SUCCESS.0.into()),
        ("MACH_MSG_TYPE_BOOLEAN", TypeName::BOOLEAN.0.into()),
        ("MACH_MSGH_BITS_COMPLEX", Bits::COMPLEX.into()),
        ("MACH_MSGH_BITS_CIRCULAR", Bits::CIRCULAR.into()),
        ("MACH_MSGH_BITS_COMPLEX_PORTS", Bits::COMPLEX_PORTS.into()),
        ("MACH_MSGH_BITS_COMPLEX_DATA", Bits::COMPLEX_DATA.into()),
        ("MACH_MSGH_BITS_MIGRATED", Bits::MIGRATED.into()),
        ("MACH_MSGH_BITS_UNUSED", Bits::UNUSED.into()),
        ("MACH_MSG_MASK", MsgReturn::MASK.into()),
        ("MACH_MSG_IPC_SPACE", MsgReturn::IPC_SPACE.into()),
        ("MACH_MSG_VM_SPACE", MsgReturn::VM_SPACE.into()),
        ("MACH_MSG_IPC_KERNEL", MsgReturn::IPC_KERNEL.into()),
        ("MACH_MSG_VM_KERNEL", MsgReturn::VM_KERNEL.into()),
        ("MACH_PORT_NULL", PortName::NULL.0.into()),
        ("MACH_PORT_DEAD", PortName::DEAD.0.into()),
        ("MACH_SEND_MSG", Options::SEND_MSG.0.into()),
        ("MACH_RCV_MSG", Options::RCV_MSG.0.into()),
        ("MACH_SEND_TIMEOUT", Options::SEND_TIMEOUT.0.into()),
        ("MACH_SEND_NOTIFY", Options::SEND_NOTIFY.0.into()),
        ("MACH_SEND_INTERRUPT", Options::SEND_INTERRUPT.0.into()),
        ("MACH_SEND_CANCEL", Options::SEND_CANCEL.0.into()),
        ("MACH_RCV_TIMEOUT", Options::RCV_TIMEOUT.0.into()),
        ("MACH_RCV_NOTIFY", Options::RCV_NOTIFY.0.into()),
        ("MACH_RCV_INTERRUPT", Options::RCV_INTERRUPT.0.into()),
        ("MACH_RCV_LARGE", Options::RCV_LARGE.0.into()),
        ("MACH_SEND_ALWAYS", Options::SEND_ALWAYS.0.into()),
    ] {
        all.push((name.to_owned(), value));
    }
    let word = |value: i64| u32::try_from(value & 0xffff_ffff).expect("32 bits");
    all.into_iter()
        .map(|(name, value)| (name, word(value)))
        .collect()
}

/// The facts of one kind, as words.
fn facts(kind: &str) -> Vec<Vec<&'static str>> {
    let rows = FACTS
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    rows.filter(|words| words[0] == kind).collect()
}

fn number(word: &str) -> i64 {
    word.parse().expect("a number")
}

#[test]
fn numbers_are_those_of_the_headers() {
    let mut ours = numbers();
    for fact in facts("number") {
        let [_, name, value] = fact[..] else {
            panic!("{fact:?}");
        };
        let had = ours.remove(name);
        assert_eq!(had.map(i64::from), Some(number(value)), "{name}");
    }
    assert_eq!(ours, BTreeMap::new(), "no facts about these");
}

#[test]
fn no_constant_is_left_out() {
    let listed: BTreeSet<&str> = constants().iter().map(|(name, _)| *name).collect();
    let declared = SOURCES.iter().flat_map(|source| source.lines());
    let declared = declared.filter_map(|line| line.strip_prefix("pub const "));
    let declared: BTreeSet<&str> = declared.filter_map(|rest| rest.split(':').next()).collect();
    assert_eq!(listed, declared);
    let structures = structures().len();
    let declared = SOURCES
        .iter()
        .map(|source| source.matches("plain! {").count());
    assert_eq!(structures, declared.sum::<usize>());
}

#[test]
fn layouts_are_those_of_the_headers() {
    let ours = structures();
    let mut structure = None;
    let mut fields = 0;
    let rows = FACTS
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    for row in rows {
        match row[..] {
            ["struct", name, size] => {
                let found = ours.iter().find(|(ours, ..)| *ours == name);
                let found = found.expect("one of ours");
                assert_eq!(i64::try_from(found.1).ok(), Some(number(size)), "{name}");
                structure = Some(*found);
                fields = 0;
            }
            ["field", name, offset] => {
                let (of, _, all) = structure.expect("a structure");
                let (ours, _) = all[fields];
                let before: usize = all[..fields].iter().map(|(_, size)| size).sum();
                assert!(
                    name == ours || name.ends_with(&format!("_{ours}")),
                    "{of}: {name}"
                );
                assert_eq!(
                    i64::try_from(before).ok(),
                    Some(number(offset)),
                    "{of}: {name}"
                );
                fields += 1;
            }
            _ => {}
        }
    }
    assert_eq!(facts("struct").len(), ours.len());
    let all: usize = ours.iter().map(|(_, _, fields)| fields.len()).sum();
    assert_eq!(facts("field").len(), all);
}

#[test]
fn traps_are_those_of_the_header() {
    let told: Vec<_> = facts("trap")
        .iter()
        .map(|fact| (fact[1], number(fact[2]), number(fact[3])))
        .collect();
    let mut ours: Vec<_> = TRAPS
        .iter()
        .map(|trap| (trap.name, trap.number.into(), trap.arguments.into()))
        .collect();
    for (name, number, arguments) in told {
        let before = ours.len();
        ours.retain(|trap| *trap != (name, number, arguments));
        assert_eq!(ours.len() + 1, before, "{name}");
    }
    assert_eq!(ours, []);
}

/// The bits of a header's word are where C's bit fields are.
#[test]
fn words_of_messages_are_as_documented() {
    let short = Descriptor {
        name: 19,
        size_bits: 32,
        number: 5,
        is_inline: true,
        is_long: false,
        deallocate: true,
    };
    assert_eq!(short.first_word(), Some(0x5005_2013));
    let header = Header {
        bits: Bits::new(TypeName::COPY_SEND, TypeName::MAKE_SEND_ONCE).complex(),
        size: 24,
        remote_port: 1,
        local_port: 2,
        seqno: 3,
        id: -1,
    };
    let words: Vec<u32> = header.to_bytes().chunks(4).map(u32::read).collect();
    assert_eq!(words, [0x8000_1513, 24, 1, 2, 3, u32::MAX]);
}

/// The folder of the public headers, if someone unpacked them.
fn headers() -> Option<PathBuf> {
    let unpacked = std::env::var_os("EXOV6_GNUMACH").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/gnumach"));
    let folder = unpacked.or_else(home)?.join("usr/include/i386-linux-gnu");
    folder.join("mach/message.h").is_file().then_some(folder)
}

/// The facts as a C program that compiles only if they are true.
fn program() -> String {
    let mut text = String::from(INCLUDES);
    let mut structure = String::new();
    for line in FACTS.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let name = words[1];
        let claim = match words[0] {
            "struct" => {
                let tag = if name.ends_with("_t") { "" } else { "struct " };
                structure = format!("{tag}{name}");
                format!("sizeof({structure}) == {}", words[2])
            }
            "field" => format!("__builtin_offsetof({structure}, {name}) == {}", words[2]),
            "number" => format!("(unsigned)({name}) == {}u", words[2]),
            "trap" => format!(
                "trap_{name} == {} && arguments_{name} == {}",
                words[2], words[3]
            ),
            other => panic!("{other}"),
        };
        text += &format!("_Static_assert({claim}, \"{name}\");\n");
    }
    text
}

#[test]
fn the_facts_are_true_of_the_headers() {
    let Some(headers) = headers() else {
        println!("skipped: no unpacked headers (EXOV6_GNUMACH names their folder)");
        return;
    };
    let stand_in = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c-library");
    std::fs::create_dir_all(stand_in.join("sys")).expect("a folder");
    std::fs::write(stand_in.join("sys/types.h"), "#include <stddef.h>\n").expect("a file");
    let started = Command::new("gcc")
        .args(["-m32", "-std=gnu11", "-ffreestanding", "-fsyntax-only"])
        .arg("-I")
        .arg(&stand_in)
        .arg("-isystem")
        .arg(&headers)
        .args(["-x", "c", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut gcc) = started else {
        println!("skipped: no gcc");
        return;
    };
    let mut input = gcc.stdin.take().expect("piped");
    input.write_all(program().as_bytes()).expect("gcc reads");
    drop(input);
    let ended = gcc.wait_with_output().expect("gcc ends");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
}
