// Entry of every trap and interrupt: one stub a vector, one common path.
//
// What the processor and the stubs leave, as `trap::Frame` has it:
//
//   esp + 64  eflags          pushed by the processor
//   esp + 60  cs
//   esp + 56  eip
//   esp + 52  error code      the processor's, or 0 from the stub
//   esp + 48  vector          the stub
//   esp + 44  ds
//   esp + 40  es
//   esp + 36  fs
//   esp + 32  gs
//   esp + 28  eax             pushad: down to edi at esp + 0
//   esp       edi

    .section .text.trap, "ax"

trap_common:
    push ds
    push es
    push fs
    push gs
    pushad
    mov eax, {KERNEL_DATA}
    mov ds, eax
    mov es, eax
    mov eax, {PER_CPU}
    mov fs, eax
    cld
    mov eax, esp
    push eax
    call {trap_entry}
    add esp, 4
    popad
    pop gs
    pop fs
    pop es
    pop ds
    add esp, 8
    iretd

    // Stubs are STUB_SIZE apart, so that a vector's is found by counting.
    .balign {STUB_SIZE}
    .global trap_stubs
trap_stubs:
    .set vector, 0
    .rept {VECTORS}
    .balign {STUB_SIZE}
    .if (vector > 31) || ((({PUSH_ERROR_CODE} >> (vector & 31)) & 1) == 0)
    push 0
    .endif
    .byte {PUSH_IMM8}, vector
    jmp trap_common
    .set vector, vector + 1
    .endr

    // The double-fault task begins here, on its own stack (top pushed by no
    // one): no error code is worth keeping, it is always 0.
    .global double_fault_entry
double_fault_entry:
    cld
    xor ebp, ebp
    call {double_fault}
