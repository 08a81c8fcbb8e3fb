// Where another processor starts: real mode, in a copy of this at the start of
// a page below 1 MiB. It goes to protected mode, turns on paging with the
// kernel's directory and jumps to Rust. What it needs lies in the same page,
// at PARAMETERS, as `ap::Parameters` has it.

    .section .rodata.ap, "a"
    .global ap_start
ap_start:
    .code16
    cli
    cld
    mov ax, cs
    mov ds, ax
    // EBX: physical address of the page.
    movzx ebx, ax
    shl ebx, 4
    lgdtd ds:[{GDT_LIMIT}]
    mov eax, cr0
    or al, {CR0_PE}
    mov cr0, eax
    jmp fword ptr ds:[{PROTECTED}]

    .code32
    .global ap_protected
ap_protected:
    mov ax, {DATA}
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr4
    or eax, {CR4_PSE}
    mov cr4, eax
    mov eax, [ebx + {PAGE_DIRECTORY}]
    mov cr3, eax
    mov eax, cr0
    or eax, {CR0_PG_WP}
    and eax, {CR0_CACHES}
    mov cr0, eax
    mov esp, [ebx + {STACK_TOP}]
    // The function's argument, and 0 for the address it returns to.
    xor ebp, ebp
    push [ebx + {ARGUMENT}]
    push ebp
    jmp [ebx + {ENTRY}]
    .global ap_end
ap_end:
