// Copies between user memory and the kernel's.

    .section .text.user_memory, "ax"

    // user_copy(to, from, length) -> u32: 0, or 1 if an address led nowhere.
    // A fault between user_copy and user_copy_end goes on at user_copy_failed;
    // what can fault finds the stack as it is there.
    .global user_copy
    .type user_copy, @function
user_copy:
    push esi
    push edi
    mov edi, [esp + 12]
    mov esi, [esp + 16]
    mov edx, [esp + 20]
    mov ecx, edx
    shr ecx, 2
    rep movsd
    mov ecx, edx
    and ecx, 3
    rep movsb
    .global user_copy_end
user_copy_end:
    xor eax, eax
    pop edi
    pop esi
    ret
    .global user_copy_failed
user_copy_failed:
    mov eax, 1
    pop edi
    pop esi
    ret
    .size user_copy, . - user_copy

    // ECX words from ESI to EDI; ECX is not zero then if an address led nowhere:
    // it counts down. A fault goes on at user_copy_words_end.
    .global user_copy_words
    .type user_copy_words, @function
user_copy_words:
    rep movsd
    .global user_copy_words_end
user_copy_words_end:
    ret
    .size user_copy_words, . - user_copy_words
