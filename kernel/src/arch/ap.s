// Where a processor starts: real mode, at a page below 1 MiB that the boot
// processor copied this to. It goes to protected mode, turns on paging with
// the kernel's directory and jumps to Rust. Position-independent up to the far
// jump: CS is the page's segment, offsets are from ap_start.

    .section .rodata.ap, "a"
    .balign 16
    .global ap_start
ap_start:
    .code16
    cli
    cld
    mov ax, cs
    mov ds, ax
    // EBX: physical address of this page.
    movzx ebx, ax
    shl ebx, 4
    lgdtd ds:[ap_gdt_pointer - ap_start]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword ptr ds:[ap_protected_pointer - ap_start]

    .code32
ap_protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr4
    or eax, {CR4_PSE}
    mov cr4, eax
    mov eax, [ebx + (ap_page_directory - ap_start)]
    mov cr3, eax
    mov eax, cr0
    or eax, {CR0_PG_WP}
    mov cr0, eax
    mov esp, [ebx + (ap_stack_top - ap_start)]
    mov eax, [ebx + (ap_argument - ap_start)]
    mov ecx, [ebx + (ap_entry - ap_start)]
    xor ebp, ebp
    push eax
    push ebp
    jmp ecx

    .balign 8
ap_gdt:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
ap_gdt_end:
    // The boot processor adds the page's physical address to the two pointers
    // and fills in the four words after them.
    .balign 4
    .global ap_gdt_pointer
ap_gdt_pointer:
    .word ap_gdt_end - ap_gdt - 1
    .long ap_gdt - ap_start
    .balign 4
    .global ap_protected_pointer
ap_protected_pointer:
    .long ap_protected - ap_start
    .word 0x08
    .balign 4
    .global ap_page_directory
ap_page_directory:
    .long 0
    .global ap_stack_top
ap_stack_top:
    .long 0
    .global ap_argument
ap_argument:
    .long 0
    .global ap_entry
ap_entry:
    .long 0
    .global ap_end
ap_end:
