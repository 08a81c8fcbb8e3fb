/* What a C program needs beside the public headers: the traps' prototypes, and
 * printing. The stubs themselves are in arch/start.S. */

#ifndef MACH_PROGRAM_H
#define MACH_PROGRAM_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/std_types.h>

extern mach_port_t mach_reply_port(void);
extern mach_port_t mach_thread_self(void);
extern mach_port_t mach_task_self(void);
extern mach_port_t mach_host_self(void);
extern void mach_print(const char *text);
extern int swtch(void);
extern kern_return_t syscall_vm_allocate(mach_port_t task, vm_offset_t *address,
					 vm_size_t size, boolean_t anywhere);
extern kern_return_t syscall_vm_deallocate(mach_port_t task, vm_offset_t address,
					   vm_size_t size);
extern kern_return_t syscall_task_terminate(mach_port_t task);
extern kern_return_t syscall_mach_port_allocate(mach_port_t task, mach_port_right_t right,
						mach_port_t *name);
extern kern_return_t syscall_mach_port_deallocate(mach_port_t task, mach_port_t name);
extern kern_return_t syscall_mach_port_insert_right(mach_port_t task, mach_port_t name,
						    mach_port_t right,
						    mach_msg_type_name_t disposition);

/* The program; its task ends when it returns. */
extern void program(int count, char **arguments);

/* Prints the strings, up to a null pointer, as one line. */
extern void print_line(const char *first, ...);

/* A number in decimal digits, and in hexadecimal ones behind 0x; each call has a
 * buffer of its own, for some calls. */
extern const char *decimal(unsigned number);
extern const char *hexadecimal(unsigned number);

#endif
