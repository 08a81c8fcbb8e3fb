// What the compiler calls to copy, fill and compare memory.
//
// Its own copies move a byte an iteration. Here the words come first and the
// bytes that are left over last; most copies are of small, aligned values.

    .section .text.memory, "ax"

    // memcpy(to, from, length) -> to
    .global memcpy
    .type memcpy, @function
memcpy:
    push esi
    push edi
    mov edi, [esp + 12]
    mov esi, [esp + 16]
    mov ecx, [esp + 20]
    mov edx, ecx
    shr ecx, 2
    rep movsd
    and edx, 3
    jne 2f
1:
    mov eax, [esp + 12]
    pop edi
    pop esi
    ret
2:
    mov ecx, edx
    rep movsb
    jmp 1b
    .size memcpy, . - memcpy

    // memmove(to, from, length) -> to
    .global memmove
    .type memmove, @function
memmove:
    mov eax, [esp + 4]
    sub eax, [esp + 8]
    // As unsigned numbers: a target inside of the source is less far away
    // than its length.
    cmp eax, [esp + 12]
    jae memcpy
    push esi
    push edi
    mov ecx, [esp + 20]
    mov edi, [esp + 12]
    mov esi, [esp + 16]
    lea edi, [edi + ecx - 1]
    lea esi, [esi + ecx - 1]
    mov edx, ecx
    and ecx, 3
    std
    rep movsb
    sub edi, 3
    sub esi, 3
    mov ecx, edx
    shr ecx, 2
    rep movsd
    cld
    mov eax, [esp + 12]
    pop edi
    pop esi
    ret
    .size memmove, . - memmove

    // memset(to, byte, length) -> to
    .global memset
    .type memset, @function
memset:
    push edi
    mov edi, [esp + 8]
    movzx eax, byte ptr [esp + 12]
    imul eax, eax, 0x01010101
    mov ecx, [esp + 16]
    mov edx, ecx
    shr ecx, 2
    rep stosd
    mov ecx, edx
    and ecx, 3
    rep stosb
    mov eax, [esp + 8]
    pop edi
    ret
    .size memset, . - memset

    // memcmp(one, other, length) -> i32: less, equal, more. bcmp is the same
    // without an order.
    .global memcmp
    .type memcmp, @function
    .global bcmp
    .type bcmp, @function
memcmp:
bcmp:
    push esi
    push edi
    mov esi, [esp + 12]
    mov edi, [esp + 16]
    mov ecx, [esp + 20]
    mov edx, ecx
    shr ecx, 2
    // With nothing to compare the flags would be those from before.
    cmp eax, eax
    repe cmpsd
    jne 3f
    mov ecx, edx
    and ecx, 3
1:
    cmp eax, eax
    repe cmpsb
    mov eax, 0
    je 2f
    movzx eax, byte ptr [esi - 1]
    movzx edx, byte ptr [edi - 1]
    sub eax, edx
2:
    pop edi
    pop esi
    ret
3:
    // The words before differ: which of their bytes?
    mov ecx, 4
    sub esi, ecx
    sub edi, ecx
    jmp 1b
    .size memcmp, . - memcmp
    .size bcmp, . - bcmp
