/* The first instruction of a C program, and the traps of the public headers.
 *
 * Mach starts a task with the number of arguments at the stack pointer, and
 * their addresses behind it. */

#include <mach/syscall_sw.h>

	.globl	_start
_start:
	xorl	%ebp, %ebp
	movl	%esp, %eax
	andl	$-16, %esp
	subl	$8, %esp
	leal	4(%eax), %edx
	pushl	%edx
	pushl	(%eax)
	call	run
	hlt

	.section .note.GNU-stack, "", @progbits
