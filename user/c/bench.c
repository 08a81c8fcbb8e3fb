/* What some traps and messages cost a C program, in ticks of the time stamp
 * counter: `bench <name> <count> <ticks>`. */

#include "mach_program.h"

#define COUNT 1000

static unsigned ticks(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	(void) high;
	return low;
}

static mach_port_t port;

static void task_self(void)
{
	mach_task_self();
}

static void reply_port(void)
{
	mach_port_t name = mach_reply_port();

	(void) name;
}

static void self_send(void)
{
	mach_msg_header_t header;

	header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0);
	header.msgh_size = sizeof header;
	header.msgh_remote_port = port;
	header.msgh_local_port = MACH_PORT_NULL;
	header.msgh_id = 1;
	mach_msg_trap(&header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof header, sizeof header, port, 0,
		      MACH_PORT_NULL);
}

static void measure(const char *name, void (*operation)(void))
{
	unsigned begin, took, turn;

	for (turn = 0; turn < 50; turn++)
		operation();
	begin = ticks();
	for (turn = 0; turn < COUNT; turn++)
		operation();
	took = ticks() - begin;
	print_line("bench ", name, " ", decimal(COUNT), " ", decimal(took), 0);
}

void program(int count, char **arguments)
{
	(void) count;
	(void) arguments;
	if (syscall_mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port))
		return;
	measure("c-task-self", task_self);
	measure("c-self-send", self_send);
	measure("c-reply-port", reply_port);
	print_line("bench done", 0);
}
