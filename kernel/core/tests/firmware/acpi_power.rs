//! Fixed hardware of recorded machines, and turning them off.

use kernel_core::{acpi::Tables, acpi_power::FixedHardware};

#[test]
fn fixed_hardware_of_pc_and_q35() {
    let machine = recorded!("pc");
    let tables = Tables::find(&machine, None).unwrap();
    let pc = FixedHardware::read(&machine, &tables).unwrap();
    assert_eq!(pc.sci_irq, 9);
    assert_eq!(pc.timer_port, Some(0x608));
    assert_eq!(pc.pm1a_control, Some(0x604));
    assert_eq!(pc.pm1b_control, None);
    assert_eq!(pc.smi_command, Some(0xb2));
    assert_eq!(pc.enable, 0xf1);
    assert_eq!(pc.reset, None);
    // Its DSDT was not recorded.
    assert_eq!(pc.soft_off(&machine), None);

    let machine = recorded!("q35-smp2of4");
    let tables = Tables::find(&machine, None).unwrap();
    let q35 = FixedHardware::read(&machine, &tables).unwrap();
    assert_eq!(q35.reset, Some((0xcf9, 0xf)));
    assert_eq!(q35.pm1a_control, Some(0x604));
}

#[test]
fn turning_off_by_the_dsdt() {
    let mut machine = recorded!("pc");
    let tables = Tables::find(&machine, None).unwrap();
    let mut dsdt = machine.take(0xffe_1958, 36);
    dsdt[..4].copy_from_slice(b"DSDT");
    // As QEMU has it, but with types that show.
    dsdt.extend(b"\x00\x08_S5_\x12\x07\x04\x0a\x05\x01\x00\x00\x10;\\");
    let length = u32::try_from(dsdt.len()).unwrap();
    dsdt[4..8].copy_from_slice(&length.to_le_bytes());
    machine.put_summed(0xffe_0040, &dsdt, 9);
    let fixed = FixedHardware::read(&machine, &tables).unwrap();
    let off = fixed.soft_off(&machine).unwrap();
    assert_eq!(off.pm1a, (0x604, 5 << 10 | 1 << 13));
    assert_eq!(off.pm1b, None);
    dsdt[9] ^= 1;
    machine.put(0xffe_0040, &dsdt);
    machine.put(0xffe_0040 + 9, &[dsdt[9]]);
    assert_eq!(fixed.soft_off(&machine), None);
}
