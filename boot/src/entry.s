// The first instructions, for both boot protocols.
//
// Everything in .boot.text runs at its physical address, before paging. It
// builds one page directory of 4 MiB pages, enough to run Rust at its linked
// address, and leaves the refinement (W^X, guard pages) to the kernel.

    // Multiboot 0.6.96 3.1.1: within the first 8,192 bytes of the file.
    .section .boot.header, "a"
    .balign 4
    .long {MULTIBOOT_MAGIC}
    .long {MULTIBOOT_FLAGS}
    .long -({MULTIBOOT_MAGIC} + {MULTIBOOT_FLAGS})

    // Xen's PHYS32_ENTRY note: where a PVH loader enters.
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, {PHYS32_ENTRY}
    .asciz "Xen"
    .long pvh_entry

    .section .boot.text, "ax"
    .code32

    // In: EBX start info, flat segments, paging and interrupts off.
    .global pvh_entry
pvh_entry:
    mov eax, {PVH_MAGIC}

    // In: EAX loader's magic, EBX information, flat segments, paging and
    // interrupts off. No stack yet.
    .global multiboot_entry
multiboot_entry:
    mov esi, eax
    mov edi, ebx
    cld

    // The floor is the Pentium. Anything less is told so, not left to fault
    // three times: without time stamps and 4 MiB pages nothing below works.
    // CPUID is there if the ID flag can be changed (Intel SDM 1 20.1.1).
    mov esp, offset boot_stack_top - {KERNEL_BASE}
    pushfd
    pop eax
    mov ecx, eax
    xor eax, {EFLAGS_ID}
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, {EFLAGS_ID}
    jz too_old
    mov eax, 1
    cpuid
    and edx, {NEEDED_FEATURES}
    cmp edx, {NEEDED_FEATURES}
    jne too_old
    rdtsc
    mov ebx, eax
    mov ebp, edx

    // 0 to 4 MiB one to one (this code), and the direct map.
    mov ecx, offset boot_page_directory - {KERNEL_BASE}
    mov eax, {PAGE_FLAGS}
    mov [ecx], eax
    lea edx, [ecx + {FIRST_KERNEL_ENTRY} * 4]
2:  mov [edx], eax
    add edx, 4
    add eax, {LARGE_PAGE}
    cmp eax, {DIRECT_MAP_SIZE}
    jb 2b

    mov eax, cr4
    or eax, {CR4_PSE}
    mov cr4, eax
    mov cr3, ecx
    mov eax, cr0
    or eax, {CR0_PG_WP}
    mov cr0, eax
    mov eax, offset high_entry
    jmp eax

    // Says on COM1 why nothing will happen, then stops. Out of line: the CPU
    // may not know the instructions that the rest is made of.
too_old:
    mov esi, offset too_old_text
3:  mov dx, {COM1_LINE_STATUS}
    mov ecx, {PATIENCE}
4:  in al, dx
    test al, {TRANSMITTER_EMPTY}
    loopz 4b
    lodsb
    mov dx, {COM1_DATA}
    out dx, al
    cmp esi, offset too_old_end
    jb 3b
    mov dx, {DEBUG_EXIT_PORT}
    mov al, {DEBUG_EXIT_FAILURE}
    out dx, al
5:  hlt
    jmp 5b

    .section .boot.rodata, "a"
too_old_text:
    .ascii "exov6: panic: this CPU is older than a Pentium (needs PSE, TSC, CX8)\r\n"
    .ascii "exov6: done panic\r\n"
too_old_end:

    .text
    // Now at the linked address, on the boot stack:
    //
    //   esp + 16   time stamp, high half
    //   esp + 12   time stamp, low half
    //   esp + 8    physical address of the loader's information
    //   esp + 4    loader's magic
    //   esp        return address 0: a backtrace ends here
high_entry:
    mov esp, offset boot_stack_top
    push ebp
    push ebx
    push edi
    push esi
    xor ebp, ebp
    push ebp
    jmp {boot_main}

    .section .bss
    .balign 4096
    .global boot_page_directory
boot_page_directory:
    .skip 4096
    // For the kernel: the table of the 4 MiB that the image lies in.
    .global boot_image_table
boot_image_table:
    .skip 4096
    // The kernel unmaps the lowest page of the stack, its guard.
    .global boot_stack_bottom
boot_stack_bottom:
    .skip 4096 + {BOOT_STACK_SIZE}
    .global boot_stack_top
boot_stack_top:
