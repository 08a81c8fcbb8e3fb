//! The tiny programs of a measurement, as machine code.
//!
//! Owns two kinds: one that says what the time-stamp counter shows when the
//! firmware hands over, and loops that do one class of work. A loop's bytes
//! mean the same in 32-bit and in 64-bit mode, so that the same instructions
//! run as a kernel in the guest and as a program on the host. Pure.

use crate::tiny::{self, COM1_DATA, Code, SUCCESS, TRANSMITTER_EMPTY};

/// Where the loops find writable memory: above every program, below 8 MiB.
const DATA: u32 = 0x0020_0000;
/// A page directory for the loop that loads CR3, clear of that memory.
const PAGE_DIRECTORY: u32 = 0x0030_0000;
/// How many bytes are writable there.
const DATA_SIZE: u32 = 0x0001_0000;
/// A stack for the loop that calls, in the same memory.
const STACK_TOP: u32 = DATA + DATA_SIZE;
/// COM1's line status: a port that devices answer at every read.
const LINE_STATUS: [u8; 2] = [0xFD, 0x03];

/// A kernel that prints the time-stamp counter at its first instruction as
/// sixteen hex digits, and ends.
pub fn counter_at_entry() -> Vec<u8> {
    let mut code = Code::default();
    // rdtsc; mov esi, eax; mov edi, edx
    code.put(&[0x0F, 0x31, 0x89, 0xC6, 0x89, 0xD7]);
    // mov ebx, edi, and later mov ebx, esi
    for source in [0xFB, 0xF3] {
        code.put(&[0x89, source]);
        put_hex_of_ebx(&mut code);
    }
    code.say("\r\n").exit(SUCCESS);
    tiny::elf(&code.bytes)
}

fn put_hex_of_ebx(code: &mut Code) {
    code.put(&[0xB9, 8, 0, 0, 0]); // mov ecx, 8
    let start = code.here();
    // rol ebx, 4; mov al, bl; and al, 15; cmp al, 10; jb over; add al, 'a' - '0' - 10
    code.put(&[
        0xC1, 0xC3, 4, 0x88, 0xD8, 0x24, 0x0F, 0x3C, 10, 0x72, 2, 0x04, 39,
    ]);
    // over: add al, '0'; out COM1, al
    code.put(&[0x04, b'0'])
        .port(COM1_DATA)
        .put(&[0xEE])
        .wait_for(TRANSMITTER_EMPTY);
    code.put(&[0x83, 0xE9, 1]); // sub ecx, 1
    jump_back_if_not_zero(code, start);
}

/// `jnz target`
fn jump_back_if_not_zero(code: &mut Code, target: usize) {
    let length = code.here() + 6 - target;
    let distance = -i32::try_from(length).expect("machine code of a few bytes");
    code.put(&[0x0F, 0x85]).put(&distance.to_le_bytes());
}

/// A class of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Sixteen arithmetic instructions on registers.
    Arithmetic,
    /// Sixteen loads and stores within a page.
    Memory,
    /// Four conditional jumps that nobody can predict.
    Branches,
    /// Four calls and returns.
    Calls,
    /// Copies a kilobyte by `rep movsd`.
    Copy,
    /// Reads a device register.
    PortRead,
    /// Loads CR3 and touches memory.
    AddressSpace,
}

impl Class {
    /// All of them, the cheapest first.
    pub const ALL: [Class; 7] = [
        Class::Arithmetic,
        Class::Memory,
        Class::Branches,
        Class::Calls,
        Class::Copy,
        Class::PortRead,
        Class::AddressSpace,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Class::Arithmetic => "16 arithmetic",
            Class::Memory => "16 loads and stores",
            Class::Branches => "4 random branches",
            Class::Calls => "4 calls and returns",
            Class::Copy => "rep movsd of 1 KiB",
            Class::PortRead => "port read",
            Class::AddressSpace => "CR3 load and a touch",
        }
    }

    /// How many iterations take a tenth of a second or more in the guest: the
    /// console's times are good to a millisecond on a loaded host.
    pub fn iterations(self) -> u32 {
        match self {
            Class::Arithmetic => 40_000_000,
            Class::Memory | Class::Branches | Class::Calls => 10_000_000,
            Class::Copy => 500_000,
            Class::PortRead => 4_000_000,
            Class::AddressSpace => 100_000,
        }
    }

    /// Whether a program without privileges may do it.
    pub fn runs_on_the_host(self) -> bool {
        !matches!(self, Class::PortRead | Class::AddressSpace)
    }

    /// What comes before the loop. EBP is its counter.
    fn set_up(self, code: &mut Code) {
        code.put(&[0xBE]).put(&DATA.to_le_bytes()); // mov esi, DATA
        code.put(&[0xB8]).put(&0x1234_5678_u32.to_le_bytes()); // mov eax, ...
        code.put(&[0xBB]).put(&0x9ABC_DEF1_u32.to_le_bytes()); // mov ebx, ...
        match self {
            Class::Calls => {
                code.put(&[0xBC]).put(&STACK_TOP.to_le_bytes()); // mov esp, ...
                // jmp over; callee: ret
                code.put(&[0xEB, 1, 0xC3]);
            }
            Class::AddressSpace => page_by_four_mebibytes(code),
            _ => {}
        }
    }

    /// One iteration. `callee` is where [`Self::set_up`] ended.
    fn body(self, code: &mut Code, set_up_end: usize) {
        for _ in 0..4 {
            match self {
                // add eax, ebx; xor edx, eax; rol ebx, 7; sub eax, edx
                Class::Arithmetic => {
                    code.put(&[0x01, 0xD8, 0x31, 0xC2, 0xC1, 0xC3, 7, 0x29, 0xD0]);
                }
                Class::Memory => {
                    // mov eax, [esi]; mov [esi + 64], eax; add eax, [esi + 128];
                    // mov [esi + 192], eax
                    code.put(&[0x8B, 0x06, 0x89, 0x46, 0x40]);
                    code.put(&[0x03, 0x86, 0x80, 0, 0, 0, 0x89, 0x86, 0xC0, 0, 0, 0]);
                }
                Class::Branches => {
                    // imul eax, eax, 1103515245; add eax, 12345: a linear
                    // congruential generator, whose bit 16 looks random.
                    code.put(&[0x69, 0xC0])
                        .put(&1_103_515_245_u32.to_le_bytes());
                    code.put(&[0x05]).put(&12_345_u32.to_le_bytes());
                    // test eax, 1 << 16; jz over; xor edx, ebx
                    code.put(&[0xA9]).put(&(1_u32 << 16).to_le_bytes());
                    code.put(&[0x74, 2, 0x31, 0xDA]);
                }
                Class::Calls => {
                    let callee = set_up_end - 1;
                    let length = code.here() + 5 - callee;
                    let distance = -i32::try_from(length).expect("machine code of a few bytes");
                    code.put(&[0xE8]).put(&distance.to_le_bytes());
                }
                Class::Copy | Class::PortRead | Class::AddressSpace => break,
            }
        }
        match self {
            Class::Copy => {
                // mov ecx, 256; mov esi, DATA; mov edi, DATA + 4096; rep movsd
                code.put(&[0xB9, 0, 1, 0, 0, 0xBE]).put(&DATA.to_le_bytes());
                code.put(&[0xBF])
                    .put(&(DATA + 0x1000).to_le_bytes())
                    .put(&[0xF3, 0xA5]);
            }
            // mov dx, line status; in al, dx
            Class::PortRead => {
                code.put(&[0x66, 0xBA]).put(&LINE_STATUS).put(&[0xEC]);
            }
            // mov eax, cr3; mov cr3, eax; mov eax, [esi]
            Class::AddressSpace => {
                code.put(&[0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8, 0x8B, 0x06]);
            }
            _ => {}
        }
    }

    /// The set-up and the loop.
    fn work(self, code: &mut Code, iterations: u32) {
        self.set_up(code);
        let set_up_end = code.here();
        code.put(&[0xBD]).put(&iterations.to_le_bytes()); // mov ebp, iterations
        let start = code.here();
        self.body(code, set_up_end);
        code.put(&[0x83, 0xED, 1]); // sub ebp, 1
        jump_back_if_not_zero(code, start);
    }

    /// A kernel that says a line, works, and says another.
    pub fn guest(self, iterations: u32) -> Vec<u8> {
        let mut code = Code::default();
        code.set_eight_bits().say("begin\r\n");
        self.work(&mut code, iterations);
        code.say("end\r\n").exit(SUCCESS);
        tiny::elf(&code.bytes)
    }

    /// A Linux program that works and exits, where the host can run one.
    pub fn native(self, iterations: u32) -> Option<Vec<u8>> {
        if !self.runs_on_the_host() {
            return None;
        }
        let mut code = Code::default();
        self.work(&mut code, iterations);
        match std::env::consts::ARCH {
            "x86_64" => {
                // xor edi, edi; mov eax, 60 (exit); syscall
                code.put(&[0x31, 0xFF, 0xB8, 60, 0, 0, 0, 0x0F, 0x05]);
                Some(elf64(&code.bytes))
            }
            "x86" => {
                // xor ebx, ebx; mov eax, 1 (exit); int 0x80
                code.put(&[0x31, 0xDB, 0xB8, 1, 0, 0, 0, 0xCD, 0x80]);
                Some(elf32(&code.bytes))
            }
            _ => None,
        }
    }
}

/// Identity-maps the first 4 MiB by one large page (Intel SDM 3A 4.3) and
/// turns paging on.
fn page_by_four_mebibytes(code: &mut Code) {
    const PRESENT_WRITABLE_LARGE: u32 = 0x83;
    // mov dword [PAGE_DIRECTORY], entry; mov eax, PAGE_DIRECTORY; mov cr3, eax
    code.put(&[0xC7, 0x05]).put(&PAGE_DIRECTORY.to_le_bytes());
    code.put(&PRESENT_WRITABLE_LARGE.to_le_bytes());
    code.put(&[0xB8])
        .put(&PAGE_DIRECTORY.to_le_bytes())
        .put(&[0x0F, 0x22, 0xD8]);
    // mov eax, cr4; or eax, PSE; mov cr4, eax
    code.put(&[0x0F, 0x20, 0xE0, 0x83, 0xC8, 0x10, 0x0F, 0x22, 0xE0]);
    // mov eax, cr0; or eax, PG; mov cr0, eax
    code.put(&[0x0F, 0x20, 0xC0, 0x0D])
        .put(&(1_u32 << 31).to_le_bytes());
    code.put(&[0x0F, 0x22, 0xC0]);
}

/// Where a host program's code is loaded.
const HOST_CODE: u32 = 0x0040_0000;

/// A static Linux program for x86-64: its code, and [`DATA`] to write to.
fn elf64(code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    let size = HEADERS + code.len() as u64;
    let entry = u64::from(HOST_CODE) + HEADERS;
    let mut file = b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for x86-64, version 1.
    for half in [2_u16, 62, 1, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [entry, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    // No flags; sizes and counts of the headers.
    for half in [0_u16, 0, 64, 56, 2, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let data = (u64::from(DATA), u64::from(DATA_SIZE));
    for (flags, offset, (address, memory), in_file) in [
        (5_u32, 0, (u64::from(HOST_CODE), size), size),
        (6, 0, data, 0),
    ] {
        for half in [1_u32, flags] {
            file.extend(half.to_le_bytes());
        }
        for word in [offset, address, address, in_file, memory, 0x1000] {
            file.extend(u64::to_le_bytes(word));
        }
    }
    file.extend(code);
    file
}

/// The same for a 32-bit host.
fn elf32(code: &[u8]) -> Vec<u8> {
    const HEADERS: u32 = 52 + 2 * 32;
    let size = HEADERS + u32::try_from(code.len()).expect("machine code of a few bytes");
    let mut file = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2_u16, 3, 1, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [HOST_CODE + HEADERS, 52, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 2, 40, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for words in [
        [1, 0, HOST_CODE, HOST_CODE, size, size, 5, 0x1000],
        [1, 0, DATA, DATA, 0, DATA_SIZE, 6, 0x1000],
    ] {
        for word in words {
            file.extend(u32::to_le_bytes(word));
        }
    }
    file.extend(code);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loops_jump_back_to_their_begin() {
        for class in Class::ALL {
            let mut code = Code::default();
            class.work(&mut code, 7);
            let end = code.bytes.len();
            let distance: [u8; 4] = code.bytes[end - 4..].try_into().expect("four bytes");
            let distance = i64::from(i32::from_le_bytes(distance));
            let target = end as i64 + distance;
            let counter = usize::try_from(target - 5).expect("inside the code");
            // Just before the target: mov ebp, 7.
            assert_eq!(
                code.bytes[counter..counter + 5],
                [0xBD, 7, 0, 0, 0],
                "{}",
                class.name()
            );
        }
    }

    #[test]
    fn privileged_work_is_no_host_program() {
        assert_eq!(Class::PortRead.native(1), None);
        assert_eq!(Class::AddressSpace.native(1), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_host_runs_its_programs() {
        for class in Class::ALL
            .into_iter()
            .filter(|class| class.runs_on_the_host())
        {
            let Some(time) = super::super::work::native_time(class, 3).expect("it starts") else {
                continue;
            };
            assert!(time.as_secs() < 60, "{}", class.name());
        }
    }
}
