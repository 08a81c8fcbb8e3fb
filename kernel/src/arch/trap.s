// Entry of every trap and interrupt: one stub a vector, one common path.
//
// What the processor and the stubs leave, as `trap::UserFrame` has it; the
// first two words are there only if user mode was interrupted:
//
//   esp + 72  ss
//   esp + 68  esp
//   esp + 64  eflags          pushed by the processor
//   esp + 60  cs
//   esp + 56  eip
//   esp + 52  error code      the processor's, or 0 from the stub
//   esp + 48  vector          the stub
//   esp + 44  eax             pushad: down to edi at esp + 16
//   esp + 16  edi
//   esp + 12  ds
//   esp + 8   es
//   esp + 4   fs
//   esp       gs

    .section .text.trap, "ax"

    // What is left of the frame, the kernel's segments, and a call of `handler`
    // with the frame's address.
    .macro save_and_call handler
    pushad
    // A segment register pushed by itself takes two bytes in this assembler.
    mov eax, ds
    push eax
    mov eax, es
    push eax
    mov eax, fs
    push eax
    mov eax, gs
    push eax
    mov eax, {KERNEL_DATA}
    mov ds, eax
    mov es, eax
    mov eax, {PER_CPU}
    mov fs, eax
    cld
    mov eax, esp
    // For backtraces: as if what was interrupted had called this. EBP itself
    // comes back from the frame.
    push dword ptr [esp + {FRAME_EIP}]
    push ebp
    mov ebp, esp
    push eax
    call \handler
    add esp, 12
    .endm

    .type trap_common, @function
trap_common:
    save_and_call {trap_entry}
    // The first thing a new thread does, its stack pointer at a frame.
    .global trap_return
trap_return:
    pop eax
    mov gs, eax
    pop eax
    mov fs, eax
    pop eax
    mov es, eax
    pop eax
    mov ds, eax
    popad
    add esp, 8
    iretd
    .size trap_common, . - trap_common

    // Mach's trap gate, `lcall $7,$0`. A call gate pushes no flags and clears
    // none: this makes what an interrupt would have left, with the flags below
    // the code segment, and goes on without single steps, interrupts, and
    // nested tasks. What the user pushed stays on the user's stack.
    .balign {STUB_SIZE}
    .global gate_entry
    .type gate_entry, @function
gate_entry:
    pushfd
    push eax
    mov eax, [esp + 4]
    xchg eax, [esp + 12]
    xchg eax, [esp + 8]
    mov [esp + 4], eax
    push {EFLAGS_CLEAR}
    popfd
    pop eax
    // While the user single-steps, each instruction up to here is a debug
    // exception, which `trap.rs` passes over.
    .global gate_stepped
gate_stepped:
    push 0
    .byte {PUSH_IMM8}, {GATE_VECTOR}
    save_and_call {trap_by_gate}
    jmp trap_return
    .size gate_entry, . - gate_entry

    // The same by `int`, for who knows this kernel: the processor left what an
    // interrupt leaves.
    .balign {STUB_SIZE}
    .global int_entry
    .type int_entry, @function
int_entry:
    push 0
    .byte {PUSH_IMM8}, {GATE_VECTOR}
    save_and_call {trap_by_gate}
    jmp trap_return
    .size int_entry, . - int_entry

    // The same by SYSENTER, with the user's stack pointer in ECX and where to go on
    // in EDX. The processor pushed nothing, switched off interrupts, and came on the
    // door's own stack, at whose top the thread's kernel stack stands.
    .balign {STUB_SIZE}
    .global sysenter_entry
    .type sysenter_entry, @function
sysenter_entry:
    mov esp, [esp]
    push {USER_DATA}
    push ecx
    pushfd
    push {EFLAGS_CLEAR}
    popfd
    // As far as here while the user single-steps, as at the gate.
    .global sysenter_stepped
sysenter_stepped:
    or dword ptr [esp], {INTERRUPTS_ON}
    push {USER_CODE}
    push edx
    push 0
    .byte {PUSH_IMM8}, {GATE_VECTOR}
    save_and_call {trap_by_gate}
    jmp trap_return
    .size sysenter_entry, . - sysenter_entry

    // Where a thread begins that has never run: `switch.s` returns here.
    .global thread_start
    .type thread_start, @function
thread_start:
    call {thread_begins}
    jmp trap_return
    .size thread_start, . - thread_start

    // Stubs are STUB_SIZE apart, so that a vector's is found by counting. The
    // number must be an argument: a symbol would be read at its last value.
    .altmacro
    .macro trap_stub number
    .balign {STUB_SIZE}
    .if (\number > 31) || ((({PUSH_ERROR_CODE} >> (\number & 31)) & 1) == 0)
    push 0
    .endif
    .byte {PUSH_IMM8}, \number
    jmp trap_common
    .endm

    .balign {STUB_SIZE}
    .global trap_stubs
trap_stubs:
    .set vector, 0
    .rept {VECTORS}
    trap_stub %vector
    .set vector, vector + 1
    .endr
    .noaltmacro

    // The double-fault task begins here, on its own stack (top pushed by no
    // one): no error code is worth keeping, it is always 0.
    .global double_fault_entry
    .type double_fault_entry, @function
double_fault_entry:
    cld
    xor ebp, ebp
    call {double_fault}
    .size double_fault_entry, . - double_fault_entry
