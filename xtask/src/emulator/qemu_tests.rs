//! The exact words that QEMU is given.

use super::*;
use crate::failure::Exit;
use crate::machine::{Cpu, Memory, Port, Vga};
use crate::tiny::{self, Behaviour};

fn kernel() -> MachineSpec {
    MachineSpec::new(Boot::Kernel("kernel.elf".into()))
}

fn line(spec: &MachineSpec) -> String {
    spec.check().expect("the combination is allowed");
    let words: Vec<_> = machine(spec).iter().map(crate::ui::quote).collect();
    words.join(" ")
}

#[test]
fn the_machine_of_the_readme() {
    assert_eq!(
        line(&kernel()),
        "-machine pc -accel tcg -cpu pentium3 -m 256M -smp 2 -nodefaults -vga none -display none -monitor none \
         -no-reboot -chardev stdio,id=com1,signal=off -serial chardev:com1 \
         -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel kernel.elf"
    );
}

#[test]
fn every_part_of_a_machine_has_its_words() {
    let spec = MachineSpec {
        cpu: Cpu::Pentium,
        memory: Memory::from_mib(8),
        smp: 1,
        firmware: Firmware::Qboot,
        clock: Clock::Instructions,
        append: Some("ktest=vm console=serial".into()),
        disk: Some("a,b c.img".into()),
        net: Net::User,
        hostfwd: vec!["tcp::8080-:80".into()],
        pcap: Some("p,q.pcap".into()),
        vga: Vga::Std,
        display: Display::Gtk,
        debugger: Debugger::Port(Port::GDB),
        extra: vec!["-d".into(), "int".into()],
        ..kernel()
    };
    assert_eq!(
        line(&spec),
        "-machine pc -accel tcg -cpu pentium -m 8M -smp 1 -bios qboot.rom -icount shift=0,sleep=off -nodefaults \
         -vga std -display gtk -monitor none -no-reboot -chardev stdio,id=com1,signal=off -serial chardev:com1 \
         -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel kernel.elf -append 'ktest=vm console=serial' \
         -drive 'if=ide,index=0,media=disk,format=raw,file=a,,b c.img' \
         -netdev user,id=net0,hostfwd=tcp::8080-:80 -device ne2k_pci,netdev=net0 \
         -object filter-dump,id=dump0,netdev=net0,file=p,,q.pcap -gdb tcp:127.0.0.1:1234 -S -d int"
    );
}

#[test]
fn commas_in_modules_are_doubled_and_blanks_begin_the_arguments() {
    let modules = vec![
        Module {
            file: "a,b".into(),
            arguments: "x y,z".into(),
        },
        Module {
            file: "c".into(),
            arguments: String::new(),
        },
    ];
    let line = line(&MachineSpec {
        modules,
        ..kernel()
    });
    assert!(line.ends_with(" -initrd 'a,,b x y,,z,c'"), "{line}");
}

#[test]
fn an_isapc_has_an_isa_network_card() {
    let spec = MachineSpec {
        pc: Pc::Isapc,
        smp: 1,
        net: Net::User,
        ..kernel()
    };
    let line = line(&spec);
    assert!(
        line.contains("-machine isapc ") && line.contains(" ne2k_isa,netdev=net0"),
        "{line}"
    );
}

#[test]
fn a_screenshot_takes_the_exit_port_away() {
    let spec = MachineSpec {
        vga: Vga::Std,
        leaving: Leaving::Marker,
        ..kernel()
    };
    assert!(!line(&spec).contains("isa-debug-exit"));
}

#[test]
fn on_a_curses_screen_the_console_has_its_own_socket() {
    let spec = MachineSpec {
        vga: Vga::Std,
        display: Display::Curses,
        ..kernel()
    };
    assert!(!line(&spec).contains("com1"));
    let words = wiring(&Wiring {
        control: 5,
        console: Some(6),
        debugger: None,
    });
    let line = words.join(OsStr::new(" ")).into_string().expect("ASCII");
    assert_eq!(
        line,
        "-no-shutdown -chardev socket,id=control,fd=5 -mon chardev=control,mode=control \
         -chardev socket,id=com1,fd=6 -serial chardev:com1"
    );
}

#[test]
fn a_file_that_is_no_kernel_is_named_for_what_it_is() {
    let mut other = Behaviour::Succeed.elf();
    other[18] = 40;
    let cases: [(&[u8], &str); 6] = [
        (b"", "is empty"),
        (b"#!/bin/sh\n", "is not a kernel"),
        (b"\x7FELF", "ends within its ELF header"),
        (&tiny::elf64(), "is a 64-bit ELF"),
        (&other, "for machine 40"),
        (&tiny::elf64()[..10], "is a 64-bit ELF"),
    ];
    for (bytes, expected) in cases {
        let failure = check_kernel(Path::new("x"), bytes).expect_err(expected);
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.what.contains(expected), "{failure}");
    }
    for behaviour in Behaviour::ALL {
        assert_eq!(check_kernel(Path::new("x"), &behaviour.elf()), Ok(()));
    }
}
