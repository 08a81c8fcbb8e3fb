//! Tiny multiboot kernels made from machine code, each with one behaviour.
//!
//! Owns the bytes; needs no assembler, no linker and no kernel build, so the
//! proof that the harness can fail does not depend on what it watches, and the
//! floor of a boot measurement is the same on every machine. Any test and
//! bench-boot may call it.

/// Where the one segment is loaded: the customary first address above 1 MiB.
const LOAD_ADDRESS: u32 = 0x0010_0000;
/// ELF header and one program header.
const HEADERS: u32 = 52 + 32;
/// Multiboot 0.6.96 3.1.1: magic, flags, checksum.
const MULTIBOOT_HEADER: u32 = 12;
const MULTIBOOT_MAGIC: u32 = 0x1BAD_B002;
/// A stack the loader's structures do not reach: the top of conventional
/// memory below the EBDA.
const STACK_TOP: u32 = 0x0008_0000;
/// A page of conventional memory for page tables, below the stack.
const PAGE_DIRECTORY: u32 = 0x0007_0000;
pub(crate) const COM1_DATA: u16 = 0x3F8;
const COM1_LINE_CONTROL: u16 = 0x3FB;
const COM1_LINE_STATUS: u16 = 0x3FD;
const DATA_READY: u8 = 0x01;
pub(crate) const TRANSMITTER_EMPTY: u8 = 0x40;

/// What a tiny kernel does, and all it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// One byte on COM1, then success: the floor of a boot measurement.
    Floor,
    /// The agreed success: the end marker, then exit 33.
    Succeed,
    /// The agreed failure of a test run: the end marker, then exit 35.
    Fail,
    /// A panic as the kernel reports it, then exit 35.
    Panic,
    /// Exit 35 before anything was said: a panic before the console.
    PanicBeforeConsole,
    /// Not a byte, for ever.
    Hang,
    /// A line, then nothing for ever.
    FallSilent,
    /// A line again and again, for ever.
    Chatter,
    /// A triple fault: an exception with an empty interrupt table.
    TripleFault,
    /// The end marker of success, and then stays.
    MarkerWithoutExit,
    /// Exit 33 with no end marker.
    ExitWithoutMarker,
    /// Turns the plainest paging on, then the agreed success: what a host's
    /// KVM must be able to do before it can run the kernel.
    Paging,
    /// A prompt that echoes, answers each line with `heard`, and ends with
    /// success on the letter `Q`, with a panic on `P`.
    Prompt,
}

impl Behaviour {
    /// All of them, for tests that must try each.
    pub const ALL: [Behaviour; 13] = [
        Behaviour::Floor,
        Behaviour::Succeed,
        Behaviour::Fail,
        Behaviour::Panic,
        Behaviour::PanicBeforeConsole,
        Behaviour::Hang,
        Behaviour::FallSilent,
        Behaviour::Chatter,
        Behaviour::TripleFault,
        Behaviour::MarkerWithoutExit,
        Behaviour::ExitWithoutMarker,
        Behaviour::Paging,
        Behaviour::Prompt,
    ];

    /// The kernel file that behaves so.
    pub fn elf(self) -> Vec<u8> {
        elf(&self.code())
    }

    fn code(self) -> Vec<u8> {
        let mut code = Code::default();
        if self != Behaviour::Floor {
            code.set_eight_bits();
        }
        match self {
            Behaviour::Floor => code.say("F").exit(SUCCESS),
            Behaviour::Succeed => code.say("ExoV6 tiny\r\nexov6: done ok\r\n").exit(SUCCESS),
            Behaviour::Fail => code
                .say("ExoV6 tiny\r\nexov6: done failed\r\n")
                .exit(FAILURE),
            Behaviour::Panic => code.say(PANIC).exit(FAILURE),
            Behaviour::PanicBeforeConsole => code.exit(FAILURE),
            Behaviour::Hang => code.hang(),
            Behaviour::FallSilent => code.say("ExoV6 tiny\r\n").hang(),
            Behaviour::Chatter => {
                let start = code.here();
                code.say("still here\r\n").jump(start)
            }
            Behaviour::TripleFault => code.say("ExoV6 tiny\r\n").triple_fault(),
            Behaviour::MarkerWithoutExit => code.say("exov6: done ok\r\n").hang(),
            Behaviour::ExitWithoutMarker => code.say("ExoV6 tiny\r\n").exit(SUCCESS),
            Behaviour::Paging => code
                .say("ExoV6 tiny\r\n")
                .turn_paging_on()
                .say("exov6: done ok\r\n")
                .exit(SUCCESS),
            Behaviour::Prompt => code.prompt(),
        };
        code.bytes
    }
}

/// What the success end writes to the exit port; QEMU turns it into 33.
pub(crate) const SUCCESS: u8 = 0x10;
/// What the failure end writes; QEMU turns it into 35.
const FAILURE: u8 = 0x11;
const PANIC: &str = "ExoV6 tiny\r\nexov6: panic: it was asked to\r\nexov6: done panic\r\n";

/// A multiboot kernel whose entry runs `code`, in 32-bit protected mode with
/// flat segments, interrupts off and no usable stack, as Multiboot hands over.
pub fn elf(code: &[u8]) -> Vec<u8> {
    let entry = LOAD_ADDRESS + HEADERS + MULTIBOOT_HEADER;
    let size = u32::try_from(code.len()).expect("machine code of a few bytes")
        + HEADERS
        + MULTIBOOT_HEADER;
    let mut file = vec![0x7F, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(half_words(&[2, 3])); // an executable, for i386
    // Version, entry, program headers, no section headers, no flags.
    file.extend(words(&[1, entry, 52, 0, 0]));
    file.extend(half_words(&[52, 32, 1, 40, 0, 0]));
    // One segment: the whole file, readable, writable and executable.
    file.extend(words(&[
        1,
        0,
        LOAD_ADDRESS,
        LOAD_ADDRESS,
        size,
        size,
        7,
        0x1000,
    ]));
    file.extend(words(&[MULTIBOOT_MAGIC, 0, MULTIBOOT_MAGIC.wrapping_neg()]));
    file.extend(code);
    file
}

/// An ELF for x86-64, which a 32-bit machine cannot start.
pub fn elf64() -> Vec<u8> {
    let mut file = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(half_words(&[2, 62])); // an executable, for x86-64
    file.extend(words(&[1, LOAD_ADDRESS, 0, 64, 0, 0, 0, 0]));
    file.extend(half_words(&[64, 56, 0, 64, 0, 0]));
    file
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn half_words(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Machine code under construction. Every jump in it is backwards or over a
/// known distance, so one pass is enough.
#[derive(Default)]
pub(crate) struct Code {
    pub(crate) bytes: Vec<u8>,
}

impl Code {
    pub(crate) fn here(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// `mov dx, port`
    pub(crate) fn port(&mut self, port: u16) -> &mut Self {
        let [low, high] = port.to_le_bytes();
        self.put(&[0x66, 0xBA, low, high])
    }

    /// Waits until any bit of `mask` is set in COM1's line status:
    /// `mov dx, 0x3FD; 1: in al, dx; test al, mask; jz 1b`
    pub(crate) fn wait_for(&mut self, mask: u8) -> &mut Self {
        self.port(COM1_LINE_STATUS)
            .put(&[0xEC, 0xA8, mask, 0x74, 0xFB])
    }

    /// `mov dx, 0x3FB; mov al, 3; out dx, al`: Bochs leaves the line at five
    /// bits; QEMU does not care.
    pub(crate) fn set_eight_bits(&mut self) -> &mut Self {
        self.port(COM1_LINE_CONTROL).put(&[0xB0, 0x03, 0xEE])
    }

    /// Sends `text`, each byte only when the last one has left: what is still
    /// in the transmitter when QEMU exits is lost.
    pub(crate) fn say(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes() {
            // mov al, byte; out dx, al
            self.port(COM1_DATA)
                .put(&[0xB0, byte, 0xEE])
                .wait_for(TRANSMITTER_EMPTY);
        }
        self
    }

    /// `mov al, value; out 0xF4, al`, and a loop, for the write takes effect
    /// later.
    pub(crate) fn exit(&mut self, value: u8) -> &mut Self {
        self.put(&[0xB0, value, 0xE6, 0xF4]).hang()
    }

    /// `jmp .`: busy, so that the processor looks alive from outside.
    fn hang(&mut self) -> &mut Self {
        self.put(&[0xEB, 0xFE])
    }

    /// `jmp target`
    fn jump(&mut self, target: usize) -> &mut Self {
        let distance = self.distance(target, 5);
        self.put(&[0xE9]).put(&distance.to_le_bytes())
    }

    fn distance(&self, target: usize, length: usize) -> i32 {
        let from = i64::try_from(self.here() + length).expect("machine code of a few bytes");
        let to = i64::try_from(target).expect("machine code of a few bytes");
        i32::try_from(to - from).expect("machine code of a few bytes")
    }

    /// `mov esp, top; push 0; push 0; lidt [esp]; int3`
    fn triple_fault(&mut self) -> &mut Self {
        self.put(&[0xBC]).put(&STACK_TOP.to_le_bytes());
        self.put(&[0x6A, 0x00, 0x6A, 0x00, 0x0F, 0x01, 0x1C, 0x24, 0xCC])
            .hang()
    }

    /// One 4 MiB page that maps the first of memory to itself, and CR0.PG
    /// (Intel SDM 3A 4.3, 4.1.2).
    fn turn_paging_on(&mut self) -> &mut Self {
        let directory = PAGE_DIRECTORY.to_le_bytes();
        // cld; mov edi, directory; xor eax, eax; mov ecx, 1024; rep stosd
        self.put(&[0xFC, 0xBF]).put(&directory);
        self.put(&[0x31, 0xC0, 0xB9, 0x00, 0x04, 0x00, 0x00, 0xF3, 0xAB]);
        // mov dword [directory], present | writable | page size
        self.put(&[0xC7, 0x05])
            .put(&directory)
            .put(&[0x83, 0, 0, 0]);
        // mov eax, cr4; or eax, PSE; mov cr4, eax
        self.put(&[0x0F, 0x20, 0xE0, 0x83, 0xC8, 0x10, 0x0F, 0x22, 0xE0]);
        // mov eax, directory; mov cr3, eax
        self.put(&[0xB8]).put(&directory).put(&[0x0F, 0x22, 0xD8]);
        // mov eax, cr0; or eax, PG; mov cr0, eax
        self.put(&[
            0x0F, 0x20, 0xC0, 0x0D, 0x00, 0x00, 0x00, 0x80, 0x0F, 0x22, 0xC0,
        ])
    }

    fn prompt(&mut self) -> &mut Self {
        let start = self.here();
        self.say("kdb> ");
        let read = self.here();
        self.wait_for(DATA_READY).port(COM1_DATA).put(&[0xEC]); // in al, dx
        self.on(b'Q', |code| {
            code.say("\r\nexov6: done ok\r\n").exit(SUCCESS)
        });
        self.on(b'P', |code| code.say(PANIC).exit(FAILURE));
        for line_end in *b"\r\n" {
            self.on(line_end, |code| code.say("\r\nheard\r\n").jump(start));
        }
        self.put(&[0xEE]).jump(read) // out dx, al: the echo
    }

    /// `cmp al, letter; jne over`, then what `then` adds, which must not fall
    /// through: it uses AL and DX.
    fn on(&mut self, letter: u8, then: impl FnOnce(&mut Self) -> &mut Self) -> &mut Self {
        self.put(&[0x3C, letter, 0x0F, 0x85, 0, 0, 0, 0]);
        let after_jump = self.here();
        then(self);
        let length = u32::try_from(self.here() - after_jump).expect("machine code of a few bytes");
        self.bytes[after_jump - 4..after_jump].copy_from_slice(&length.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_where_a_loader_looks_and_sums_to_zero() {
        for behaviour in Behaviour::ALL {
            let file = behaviour.elf();
            let word =
                |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
            let header = usize::try_from(HEADERS).expect("small");
            assert_eq!(word(header), MULTIBOOT_MAGIC, "{behaviour:?}");
            let sum = word(header)
                .wrapping_add(word(header + 4))
                .wrapping_add(word(header + 8));
            assert_eq!(sum, 0, "{behaviour:?}");
            assert_eq!(
                word(24),
                LOAD_ADDRESS + HEADERS + MULTIBOOT_HEADER,
                "entry of {behaviour:?}"
            );
            assert_eq!(
                usize::try_from(word(52 + 16)),
                Ok(file.len()),
                "segment of {behaviour:?}"
            );
        }
    }

    #[test]
    fn jumps_count_from_the_next_instruction() {
        let mut code = Code::default();
        code.hang();
        code.jump(0);
        assert_eq!(code.bytes, [0xEB, 0xFE, 0xE9, 0xF9, 0xFF, 0xFF, 0xFF]);
        let mut code = Code::default();
        code.on(b'q', Code::hang);
        assert_eq!(code.bytes, [0x3C, b'q', 0x0F, 0x85, 2, 0, 0, 0, 0xEB, 0xFE]);
    }
}
