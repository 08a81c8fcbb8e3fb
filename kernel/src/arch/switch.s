// Gives the processor from one kernel stack to another.

    .section .text.switch, "ax"

    // switch_stacks(save: *mut u32, to: u32): the stack pointer of the one goes
    // to *save, the other's is `to`. What the compiler expects a call to keep
    // lies on the stack itself.
    .global switch_stacks
    .type switch_stacks, @function
switch_stacks:
    mov eax, [esp + 4]
    mov edx, [esp + 8]
    push ebp
    push ebx
    push esi
    push edi
    mov [eax], esp
    mov esp, edx
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret
    .size switch_stacks, . - switch_stacks
