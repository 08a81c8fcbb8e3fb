//! The two 8259A interrupt controllers: in use without an I/O APIC, else mute.
//!
//! Owned by the interrupt layer. Intel 8259A data sheet; the edge/level
//! register is EISA's and the PIIX's.

use super::port::Port;

/// Inputs of the pair; input 2 is the cascade.
pub(crate) const INPUTS: u8 = 16;
pub(crate) const CASCADE: u8 = 2;

// SAFETY: the kernel owns the interrupt controllers. The same holds below.
const MASTER_COMMAND: Port = unsafe { Port::new(0x20) };
// SAFETY: as above.
const MASTER_DATA: Port = unsafe { Port::new(0x21) };
// SAFETY: as above.
const SLAVE_COMMAND: Port = unsafe { Port::new(0xa0) };
// SAFETY: as above.
const SLAVE_DATA: Port = unsafe { Port::new(0xa1) };

/// Initialisation with four words, cascaded, edge triggered.
const ICW1_INIT: u8 = 0x11;
const ICW4_8086: u8 = 0x01;
const END_OF_INTERRUPT: u8 = 0x20;
const READ_IN_SERVICE: u8 = 0x0b;
const ALL: u8 = 0xff;

/// The pair, after [`Pic::init`].
#[derive(Debug)]
pub(crate) struct Pic {
    /// One bit an input; set means masked.
    mask: u16,
}

impl Pic {
    /// Puts the sixteen inputs on the vectors from `base` on, all masked but
    /// the cascade.
    pub(crate) fn init(base: u8) -> Pic {
        MASTER_COMMAND.write8(ICW1_INIT);
        SLAVE_COMMAND.write8(ICW1_INIT);
        MASTER_DATA.write8(base);
        SLAVE_DATA.write8(base + INPUTS / 2);
        MASTER_DATA.write8(1 << CASCADE);
        SLAVE_DATA.write8(CASCADE);
        MASTER_DATA.write8(ICW4_8086);
        SLAVE_DATA.write8(ICW4_8086);
        let pic = Pic {
            mask: !(1 << CASCADE),
        };
        pic.write_mask();
        pic
    }

    /// Puts the inputs where they cannot be taken for exceptions, and masks
    /// them all: the I/O APIC takes over.
    pub(crate) fn silence(base: u8) {
        let mut pic = Pic::init(base);
        pic.mask = u16::MAX;
        pic.write_mask();
    }

    /// Lets an input through.
    pub(crate) fn unmask(&mut self, input: u8) {
        self.mask &= !(1 << input);
        self.write_mask();
    }

    /// Lets an input through no more.
    pub(crate) fn mask(&mut self, input: u8) {
        self.mask |= 1 << input;
        self.write_mask();
    }

    fn write_mask(&self) {
        let [low, high] = self.mask.to_le_bytes();
        MASTER_DATA.write8(low);
        SLAVE_DATA.write8(high);
    }
}

/// Says that the interrupt of `input` has been handled.
pub(crate) fn end_of_interrupt(input: u8) {
    if input >= INPUTS / 2 {
        SLAVE_COMMAND.write8(END_OF_INTERRUPT);
    }
    MASTER_COMMAND.write8(END_OF_INTERRUPT);
}

/// Whether an interrupt on the last input of a chip is spurious: then it is not
/// in service there. A spurious one of the slave still needs the master's end.
pub(crate) fn is_spurious(input: u8) -> bool {
    let (command, bit) = match input {
        7 => (MASTER_COMMAND, 7),
        15 => (SLAVE_COMMAND, 7),
        _ => return false,
    };
    command.write8(READ_IN_SERVICE);
    let spurious = command.read8() & (1 << bit) == 0;
    if spurious && input == 15 {
        MASTER_COMMAND.write8(END_OF_INTERRUPT);
    }
    spurious
}

/// Masks every input, whatever state the pair is in. For a panic.
pub(crate) fn mask_all() {
    MASTER_DATA.write8(ALL);
    SLAVE_DATA.write8(ALL);
}

/// Switches a machine that starts in PIC mode over, so that interrupts pass
/// through the local APIC (MP specification 3.6.2.1).
pub(crate) fn leave_pic_mode() {
    // SAFETY: the firmware said that the interrupt mode register is there.
    let (select, data) = unsafe { (Port::new(0x22), Port::new(0x23)) };
    const MODE_REGISTER: u8 = 0x70;
    const THROUGH_APIC: u8 = 1;
    select.write8(MODE_REGISTER);
    data.write8(THROUGH_APIC);
}
